/** `cloze bench memory`: what activations take as rows grow, in the terminal and as a picture. */
import { writeFileAtomically } from '../mlm/data/files.node.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

export interface MemoryFlags {
  model: string;
  seqLen: number[];
  batchSize: number;
  vocab: number;
  out?: string;
  adapter?: string;
  quick?: boolean;
  json?: boolean;
}

export async function benchMemory(flags: MemoryFlags, terminal: Terminal): Promise<void> {
  const { measureMemory, memoryLines } = await import('../../bench/memory.ts');
  const { memorySvg } = await import('../../bench/memorySvg.ts');
  const { benchmarkSampling } = await import('../../bench/stopwatch.node.ts');
  const { Device } = await import('../gpu/index.ts');
  const { presetConfig } = await import('../mlm/index.ts');
  presetConfig(flags.model);
  const sampling = await benchmarkSampling(flags.quick);
  const { model, batchSize: batch, vocab, adapter } = flags;
  const sizes = { model, batch, vocab, maskRate: 0.15 };
  const open = () => Device.open({ adapter });
  const rows = [];
  for (const seqLen of flags.seqLen) rows.push(await measureMemory(open, { ...sizes, seqLen }, sampling));
  using device = await open();
  const report = { adapter: device.capabilities.name, ...sizes, rows };
  if (flags.out !== undefined) await writeFileAtomically(flags.out, memorySvg(report));
  if (flags.json) sayJson(terminal, report);
  else say(terminal, memoryLines(report).join('\n'));
}
