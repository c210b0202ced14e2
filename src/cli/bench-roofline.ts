/** `cloze bench roofline`: the kernels under the roof of the adapter, in the terminal and as a picture. */
import type { KernelReport } from '../../bench/report.ts';
import { readFileText, writeFileAtomically } from '../mlm/data/files.node.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

export interface RooflineFlags {
  filter?: string;
  from?: string;
  out?: string;
  adapter?: string;
  quick?: boolean;
  json?: boolean;
}

export async function benchRoofline(flags: RooflineFlags, terminal: Terminal): Promise<void> {
  const { roofline } = await import('../../bench/roofline.ts');
  const { rooflineText } = await import('../../bench/rooflineText.ts');
  const { rooflineSvg } = await import('../../bench/rooflineSvg.ts');
  const report = await (flags.from === undefined ? measure(flags) : read(flags.from));
  const wanted = flags.filter?.toLowerCase() ?? '';
  const rows = report.rows.filter(({ kernel, chosen }) => chosen && kernel.toLowerCase().includes(wanted));
  const model = roofline({ ...report, rows });
  if (flags.out !== undefined) await writeFileAtomically(flags.out, rooflineSvg(model));
  if (flags.json) sayJson(terminal, model);
  else say(terminal, rooflineText(model).join('\n'));
}

async function read(path: string): Promise<KernelReport> {
  const { parseReport } = await import('../../bench/compare.ts');
  return parseReport(await readFileText(path), path);
}

/** Each kernel at its shapes, in the variant that it uses here by itself. */
async function measure({ filter, adapter, quick }: RooflineFlags): Promise<KernelReport> {
  const { benchKernels, selectCases } = await import('../../bench/shapes.ts');
  const { benchmarkSampling } = await import('../../bench/stopwatch.node.ts');
  const { measureKernels } = await import('../../bench/kernels.ts');
  const { Device } = await import('../gpu/index.ts');
  const cases = selectCases({ filter }, benchKernels);
  using device = await Device.open({ adapter });
  const sampling = await benchmarkSampling(quick);
  return await measureKernels(device, { cases, variants: 'chosen', sampling });
}
