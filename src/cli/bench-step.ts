/** `cloze bench step`: how long a training step takes, what it spends its time on, and what other libraries need. */
import type { PackingRow } from '../../bench/packing.ts';
import type { StepRow, StepSizes } from '../../bench/step.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

export interface StepFlags {
  model?: string;
  seqLen: number[];
  batchSize: number;
  vocab: number[];
  maskRate: number;
  dtype: 'f32' | 'f16' | 'both';
  packing?: boolean;
  peers?: boolean;
  context?: boolean;
  patient?: boolean;
  browser?: boolean;
  adapter?: string;
  quick?: boolean;
  json?: boolean;
}

export async function benchStep(flags: StepFlags, terminal: Terminal): Promise<void> {
  const { measureStep } = await import('../../bench/step.ts');
  const { measurePacking, packingLines } = await import('../../bench/packing.ts');
  const { stepLines } = await import('../../bench/stepReport.ts');
  const { measureCeiling } = await import('../../bench/kernels.ts');
  const { benchmarkSampling } = await import('../../bench/stopwatch.node.ts');
  const { contextTrainings } = await import('../../bench/peers/libraries.node.ts');
  const { trainings } = await import('../../bench/peers/trainings.ts');
  const { installNavigator } = await import('../../bench/peers/navigator.node.ts');
  const { Device } = await import('../gpu/index.ts');
  const { presetConfig } = await import('../mlm/index.ts');

  const models = flags.model ? [flags.model] : ['tiny', 'mini'];
  for (const model of models) presetConfig(model);
  const sampling = await benchmarkSampling(flags.quick);
  const { adapter, patient = false, batchSize: batch, maskRate } = flags;
  const asText = (line: string) => !flags.json && say(terminal, line);

  let name = '';
  const rows: StepRow[] = [];
  const dtypes = flags.dtype === 'both' ? (['f32', 'f16'] as const) : [flags.dtype];
  const cases = models.flatMap((model) =>
    flags.seqLen.flatMap((seqLen) =>
      flags.vocab.flatMap((vocab) =>
        dtypes.map((dtype): StepSizes => ({ model, seqLen, batch, vocab, maskRate, dtype })),
      ),
    ),
  );
  const packing: PackingRow[] = [];
  for (const sizes of cases) {
    if (flags.browser) {
      const { measureInBrowser } = await import('../../bench/browser/index.node.ts');
      const { stopwatch: _, ...plain } = sampling;
      const request = { bench: 'step', sampling: plain, sizes, peers: flags.peers === true } as const;
      const answer = (await measureInBrowser(request)) as { row: StepRow; adapter: string };
      if (!name) asText(`${answer.adapter}, in a browser`);
      name = answer.adapter;
      rows.push(answer.row);
      asText(`\n${stepLines(answer.row).join('\n')}`);
      continue;
    }
    using device = await Device.open({ adapter });
    if (flags.peers || flags.context) installNavigator({ adapter });
    const { gflops } = await measureCeiling(device, sampling);
    if (!name) asText(device.capabilities.name);
    name = device.capabilities.name;
    const row = await measureStep(device, sizes, {
      sampling,
      ceiling: gflops,
      peers: { ...(flags.peers && trainings(patient)), ...(flags.context && contextTrainings) },
      rssBytes: () => process.memoryUsage().rss,
    });
    rows.push(row);
    asText(`\n${stepLines(row).join('\n')}`);
    if (!flags.packing) continue;
    packing.push(await measurePacking(device, sizes, sampling));
    asText(`\n${packingLines(packing[packing.length - 1]).join('\n')}`);
  }
  if (flags.json) sayJson(terminal, { adapter: name, rows, ...(flags.packing && { packing }) });
}
