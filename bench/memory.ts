/**
 * `cloze bench memory`: what the activations of a training step take as rows grow, when all are kept for backward and when the
 * insides of layers are computed again (gradient checkpointing), and what that costs in time.
 */
import { Engine } from '../src/autograd/index.ts';
import type { Device } from '../src/gpu/index.ts';
import { columns, digits, factorText } from './report.ts';
import { ratio, type Sampling, type Summary, summarize, takeTurns } from './sampling.ts';
import { OurTraining, type StepSizes } from './stepTask.ts';

/** Memory and time of steps of one kind. */
export interface ActivationCost {
  /** The most that a step held at once, weights, gradients and moments left out. */
  activationBytes: number;
  bytesPerToken: number;
  msPerStep: number;
}

export interface MemoryRow {
  seqLen: number;
  /** Weights, gradients and moments, which do not depend on the batch. */
  stateBytes: number;
  kept: ActivationCost;
  recomputed: ActivationCost;
  /** Time of a step that recomputes over that of one that does not, run by run. */
  timeRatio: Summary;
}

export interface MemoryReport extends Omit<StepSizes, 'seqLen' | 'dtype' | 'gradientCheckpointing'> {
  adapter: string;
  rows: MemoryRow[];
}

/** Steps after which memory no longer changes: one by calls, one recorded, one replayed. */
const settled = 3;

/** `open` opens a device of its own for each measurement, so that one's peak is not another's. */
export async function measureMemory(
  open: () => Promise<Device>,
  sizes: StepSizes,
  sampling: Sampling,
): Promise<MemoryRow> {
  using keeping = await open();
  using recomputing = await open();
  const trainings = [
    await settle(keeping, sizes),
    await settle(recomputing, { ...sizes, gradientCheckpointing: true }),
  ];
  const contestants = trainings.map(({ training }) => ({
    run: async () => {
      await training.step();
    },
  }));
  const samples = await takeTurns(contestants, sampling);
  const [kept, recomputed] = trainings.map(({ activationBytes }, i): ActivationCost => {
    const bytesPerToken = activationBytes / sizes.batch / sizes.seqLen;
    return { activationBytes, bytesPerToken, msPerStep: summarize(samples[i]).median };
  });
  for (const { training } of trainings) training.close();
  const { stateBytes } = trainings[0];
  return { seqLen: sizes.seqLen, stateBytes, kept, recomputed, timeRatio: ratio(samples[1], samples[0]) };
}

async function settle(
  device: Device,
  sizes: StepSizes,
): Promise<{ training: OurTraining; stateBytes: number; activationBytes: number }> {
  const training = await OurTraining.open(new Engine(device), sizes);
  const stateBytes = device.memory().live;
  for (let i = 0; i < settled; i++) await training.step();
  return { training, stateBytes, activationBytes: device.memory().peak - stateBytes };
}

const mebi = (bytes: number) => `${digits(bytes / 2 ** 20)} MiB`;

export function memoryLines({ adapter, rows, model, batch, vocab }: MemoryReport): string[] {
  const head = ['tokens', 'activations', 'a token', 'ms', 'recomputed', 'a token', 'ms', 'times the time'];
  const costs = ({ activationBytes, bytesPerToken, msPerStep }: ActivationCost) => [
    mebi(activationBytes),
    `${digits(bytesPerToken / 1024)} KiB`,
    digits(msPerStep),
  ];
  const cells = rows.map(({ seqLen, kept, recomputed, timeRatio }) => [
    `${batch} x ${seqLen}`,
    ...costs(kept),
    ...costs(recomputed),
    factorText(timeRatio),
  ]);
  const state = rows.map(({ stateBytes }) => stateBytes);
  return [
    adapter,
    `${model}, ${vocab} words; weights, gradients and moments ${mebi(Math.min(...state))} to ${mebi(Math.max(...state))}`,
    '',
    ...columns([head, ...cells], 1),
  ];
}
