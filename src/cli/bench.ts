/** `cloze bench`: how fast the kernels are on this machine, and a trial for a kernel of one's own. */
import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { TryEvent } from '../../bench/trial.ts';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText } from '../mlm/files.node.ts';
import { sayJson } from './json.ts';
import { number } from './options.ts';
import { say, type Terminal } from './terminal.ts';

interface KernelFlags {
  filter?: string;
  shapes?: string;
  variants: 'all' | 'chosen';
  adapter?: string;
  json?: boolean;
  save?: string;
  compare?: string;
  markdown?: boolean;
  quick?: boolean;
  cold?: boolean;
}

type OverheadFlags = Pick<KernelFlags, 'adapter' | 'quick' | 'json'>;

interface TryFlags {
  as: string;
  shapes?: string;
  adapter?: string;
  timeout: number;
  json?: boolean;
}

export function addBench(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  const bench = program
    .command('bench')
    .description('Measure kernels on this machine, or try one of your own.')
    .helpCommand(false)
    .action(() => bench.outputHelp());

  bench
    .command('kernels')
    .description('Time each kernel at the shapes that matter, against the most that this adapter can do.')
    .option('--filter <name>', 'only kernels whose name contains this')
    .option('--shapes <shapes>', 'only these shapes, or others of your own: 512x512x512,1000x768x768')
    .addOption(
      new Option('--variants <which>', 'all that the adapter can run, or the one it uses')
        .choices(['all', 'chosen'])
        .default('chosen'),
    )
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--cold', 'compile without the cache that Mesa keeps on disk')
    .option('--save <file>', 'write the report as JSON to this file')
    .option('--compare <file>', 'tell what became faster or slower than in this saved report')
    .option('--markdown', 'print a table in Markdown')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench kernels --filter matmul --variants all
  $ cloze bench kernels --save before.json
  $ cloze bench kernels --compare before.json

A star marks the variant that the kernel uses here by itself. Milliseconds are medians of one call.`,
    )
    .action((flags: KernelFlags) => kernels(flags, terminal));

  bench
    .command('overhead')
    .description('Time an operation on next to no numbers: as a tensor, as a kernel, as bare WebGPU calls.')
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--quick', 'fewer samples')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  $ cloze bench overhead --json')
    .action((flags: OverheadFlags) => overhead(flags, terminal));

  bench
    .command('try')
    .description('Check a kernel of your own where kernels break, and rank it among ours.')
    .argument('<file>', 'TypeScript or JavaScript that exports a variant, see docs/kernel-lab.md')
    .requiredOption('--as <kernel>', 'the kernel that it computes: matmul, softmax, layerNorm, ...')
    .option('--shapes <shapes>', 'time it at these shapes: 512x512x512,1000x768x768')
    .option('--timeout <seconds>', 'how long a step may take', number, 20)
    .option('--adapter <name>', 'part of the name of the adapter to use, see cloze info')
    .option('--json', 'print one event a line')
    .addHelpText(
      'after',
      `
Examples:
  $ cloze bench try my-kernel.ts --as matmul
  $ cloze bench try my-kernel.ts --as matmul --shapes 512x512x512`,
    )
    .action((file: string, flags: TryFlags) => tryFile(file, flags, terminal, exit));
}

const listed = (text: string | undefined) => text?.split(',').map((item) => item.trim());

async function kernels(flags: KernelFlags, terminal: Terminal): Promise<void> {
  if (flags.cold) process.env.MESA_SHADER_CACHE_DISABLE = 'true';
  const { selectCases } = await import('../../bench/shapes.ts');
  const { kernelCells, kernelHead, kernelLines, kernelMarkdown, preface } = await import(
    '../../bench/report.ts'
  );
  const { compareReports, comparisonText, parseReport } = await import('../../bench/compare.ts');
  const { defaultSampling, quickSampling } = await import('../../bench/sampling.ts');
  const { measureKernels } = await import('../../bench/kernels.ts');
  const { Device } = await import('../gpu/index.ts');

  const cases = selectCases({ filter: flags.filter, shapes: listed(flags.shapes) });
  const before = flags.compare && parseReport(await readFileText(flags.compare), flags.compare);
  const asText = !flags.json && !flags.markdown;
  const tell = (lines: readonly string[]) => asText && say(terminal, lines.join('\n'));
  using device = await Device.open({ adapter: flags.adapter });
  const report = await measureKernels(device, {
    cases,
    variants: flags.variants,
    sampling: flags.quick ? quickSampling : defaultSampling,
    onStart: (start) => tell([...preface(start), '', ...kernelLines([kernelHead])]),
    onRows: (rows) => tell(kernelLines(rows.map(kernelCells))),
  });
  if (flags.save) await save(flags.save, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.json) sayJson(terminal, report);
  if (flags.markdown) say(terminal, kernelMarkdown(report).join('\n'));
  if (before && !flags.json) say(terminal, `\n${comparisonText(compareReports(before, report)).join('\n')}`);
}

async function overhead(flags: OverheadFlags, terminal: Terminal): Promise<void> {
  const { measureOverhead, overheadText } = await import('../../bench/overhead.ts');
  const { defaultSampling, quickSampling } = await import('../../bench/sampling.ts');
  const { Device } = await import('../gpu/index.ts');
  using device = await Device.open({ adapter: flags.adapter });
  const report = await measureOverhead(device, flags.quick ? quickSampling : defaultSampling);
  if (flags.json) sayJson(terminal, report);
  else say(terminal, overheadText(report).join('\n'));
}

async function save(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (error) {
    throw new ClozeError('io', `cannot write ${path}: ${(error as Error).message}`);
  }
}

async function tryFile(
  file: string,
  flags: TryFlags,
  terminal: Terminal,
  exit: (code: number) => void,
): Promise<void> {
  const { tryVariant } = await import('../../bench/try.node.ts');
  const { trialReport } = await import('../../bench/trialReport.ts');
  const report = trialReport((line) => say(terminal, line));
  let wrong = false;
  await tryVariant(
    { ...flags, path: file, kernel: flags.as, shapes: listed(flags.shapes) },
    (event: TryEvent) => {
      wrong ||= event.event === 'hung' || event.event === 'faults';
      wrong ||= event.event === 'checked' && event.mismatches.length > 0;
      if (flags.json) sayJson(terminal, event);
      else report(event);
    },
  );
  if (wrong) exit(1);
}
