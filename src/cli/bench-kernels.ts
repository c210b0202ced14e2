/** `cloze bench kernels`: kernels against the adapter's ceiling, or operations against other libraries. */
import { writeFile } from 'node:fs/promises';
import type { Listener } from '../../bench/kernels.ts';
import type { KernelReport } from '../../bench/report.ts';
import type { Sampling } from '../../bench/sampling.ts';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText } from '../mlm/data/files.node.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

export interface KernelFlags {
  filter?: string;
  shapes?: string;
  variants: 'all' | 'chosen';
  dtype?: 'f32' | 'f16';
  adapter?: string;
  json?: boolean;
  save?: string;
  compare?: string;
  markdown?: boolean | string;
  quick?: boolean;
  cold?: boolean;
  peers?: boolean;
  context?: boolean;
  patient?: boolean;
  browser?: boolean;
}

/** What is measured and how it is told: the cases were chosen when this exists. */
interface Bench {
  measure(sampling: Sampling, listener: Listener): Promise<KernelReport>;
  lines(rows: KernelReport['rows']): string[];
  head: string[];
  markdown(report: KernelReport): string[];
}

export const listed = (text: string | undefined) => text?.split(',').map((item) => item.trim());

export async function benchKernels(flags: KernelFlags, terminal: Terminal): Promise<void> {
  if (flags.cold) process.env.MESA_SHADER_CACHE_DISABLE = 'true';
  const { preface } = await import('../../bench/report.ts');
  const { compareReports, comparisonText, parseReport } = await import('../../bench/compare.ts');
  const { benchmarkSampling } = await import('../../bench/stopwatch.node.ts');

  const bench = await (flags.peers || flags.context || flags.browser
    ? operationBench(flags)
    : kernelBench(flags));
  const before = flags.compare && parseReport(await readFileText(flags.compare), flags.compare);
  const asText = !flags.json && flags.markdown !== true;
  const tell = (lines: readonly string[]) => asText && say(terminal, lines.join('\n'));
  const report = await bench.measure(await benchmarkSampling(flags.quick), {
    onStart: (start) => tell([...preface(start), '', ...bench.head]),
    onRows: (rows) => tell(bench.lines([...rows])),
  });
  if (flags.save) await save(flags.save, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.json) sayJson(terminal, report);
  if (flags.markdown === true) say(terminal, bench.markdown(report).join('\n'));
  else if (flags.markdown) await fillIn(flags.markdown, bench.markdown(report));
  if (before && !flags.json) say(terminal, `\n${comparisonText(compareReports(before, report)).join('\n')}`);
}

async function kernelBench(flags: KernelFlags): Promise<Bench> {
  const { benchKernels, selectCases } = await import('../../bench/shapes.ts');
  const { kernelCells, kernelHead, kernelLines, kernelMarkdown } = await import('../../bench/report.ts');
  const { measureKernels } = await import('../../bench/kernels.ts');
  const { Device } = await import('../gpu/index.ts');
  const { filter, shapes, variants, dtype, adapter } = flags;
  const cases = selectCases({ filter, shapes: listed(shapes) }, benchKernels);
  return {
    measure: async (sampling, listener) => {
      using device = await Device.open({ adapter });
      return await measureKernels(device, { cases, variants, dtype, sampling, ...listener });
    },
    head: kernelLines([kernelHead]),
    lines: (rows) => kernelLines(rows.map(kernelCells)),
    markdown: kernelMarkdown,
  };
}

async function operationBench(flags: KernelFlags): Promise<Bench> {
  const { selectCases } = await import('../../bench/shapes.ts');
  const { operations } = await import('../../bench/peers/operations.ts');
  const { peersCells, peersHead, peersLines, peersMarkdown } = await import('../../bench/peers/report.ts');
  const { measurePeers } = await import('../../bench/peers/index.ts');
  const { context, peersInNode } = await import('../../bench/peers/libraries.node.ts');
  const { installNavigator } = await import('../../bench/peers/navigator.node.ts');
  const { Device } = await import('../gpu/index.ts');
  const { filter, shapes, adapter, patient } = flags;
  const cases = selectCases({ filter, shapes: listed(shapes) }, operations);
  return {
    measure: async (sampling, listener) => {
      if (flags.browser) return await inBrowser(flags, sampling, listener);
      using device = await Device.open({ adapter });
      installNavigator({ adapter });
      const others = { ...(flags.peers && peersInNode), ...(flags.context && context) };
      return await measurePeers(device, { cases, peers: others, patient, sampling, ...listener });
    },
    head: peersLines([peersHead]),
    lines: (rows) => peersLines(rows.flatMap(peersCells)),
    markdown: peersMarkdown,
  };
}

async function inBrowser(
  { filter, shapes }: KernelFlags,
  sampling: Sampling,
  { onStart, onRows }: Listener,
): Promise<KernelReport> {
  const { measureInBrowser } = await import('../../bench/browser/index.node.ts');
  const { stopwatch: _, ...plain } = sampling;
  const request = { bench: 'operations', sampling: plain, filter, shapes: listed(shapes) } as const;
  const answer = await measureInBrowser(request, (told) => {
    if (told.event === 'start') onStart?.(told.start);
    else onRows?.(told.rows);
  });
  return (answer as { report: KernelReport }).report;
}

async function save(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new ClozeError('io', `cannot write ${path}: ${(error as Error).message}`);
  }
}

const marks = ['<!-- table -->', '<!-- end of table -->'];

/** Replaces what stands between the marks of a file. Throws `format` when it has none. */
export async function fillIn(path: string, lines: readonly string[]): Promise<void> {
  const text = await readFileText(path);
  const [start, end] = [text.indexOf(marks[0]), text.indexOf(marks[1])];
  if (start < 0 || end < start) {
    throw new ClozeError('format', `${path} has no place for a table`, `Mark one: ${marks.join(' and ')}`);
  }
  await save(path, `${text.slice(0, start + marks[0].length)}\n\n${lines.join('\n')}\n\n${text.slice(end)}`);
}
