/**
 * `cloze bench step`: a training step of a masked language model, from ids to updated weights, its loss read back. The
 * batch is random tokens of full length without padding; there is no dropout, so that other libraries can do the same.
 */
import { Engine, type FloatType } from '../src/autograd/index.ts';
import type { Device } from '../src/gpu/index.ts';
import type { Training, TrainingTask } from './peers/training.ts';
import { ratio, type Sampling, summarize, takeTurns } from './sampling.ts';
import { OurTraining, type StepSizes, stepFlops } from './stepTask.ts';

export type { StepSizes };

export interface StepPeer {
  /** Milliseconds; null where the peer failed. */
  msPerStep: number | null;
  spread: [min: number, max: number] | null;
  /** The peer's time over ours: above 1 we are faster. */
  ratio: number | null;
  ratioSpread: [min: number, max: number] | null;
  /** Whether the first losses agree with ours, and by how much they differ at most, relative to ours. */
  lossAgree: boolean | null;
  lossError: number | null;
  note?: string;
}

export interface StepRow {
  model: string;
  seqLen: number;
  batch: number;
  vocab: number;
  maskRate: number;
  dtype: FloatType;
  packed: boolean;
  msPerStep: number;
  spread: [min: number, max: number];
  tokensPerSecond: number;
  /** Time of the kernels over that of a step in which each is timed; null where the adapter has no timestamps. */
  kernelShare: number | null;
  dispatches: number;
  /** Microseconds in which a dispatch is recorded and submitted, all that a step does on the CPU included. */
  cpuMicrosPerDispatch: number;
  /** Operations of the step's matrix products a second, over what the adapter does at most. */
  mfu: number;
  peakGpuBytes: number;
  rssBytes: number | null;
  peers: Record<string, StepPeer>;
}

export interface StepOptions {
  sampling: Sampling;
  /** Billions of operations a second that the adapter reaches. */
  ceiling: number;
  peers?: Readonly<Record<string, (task: TrainingTask) => Promise<Training>>>;
  /** Memory of this process, where it can be known. */
  rssBytes?: () => number;
}

/** Losses that are compared, and how far they may differ. */
const comparedSteps = 10;
const lossTolerance: Readonly<Record<FloatType, number>> = { f32: 1e-4, f16: 1e-2 };

export async function measureStep(device: Device, sizes: StepSizes, options: StepOptions): Promise<StepRow> {
  const engine = new Engine(device);
  const ours = await OurTraining.open(engine, sizes);
  const { task } = ours;
  const losses = await firstLosses(ours);
  const entries: (Entry | string)[] = [];
  for (const open of Object.values(options.peers ?? {})) {
    entries.push(await enter(open, task, losses).catch((error: Error) => error.message.split('\n')[0]));
  }
  const running = entries.filter((entry) => typeof entry !== 'string');
  const recordings: number[] = [];
  const contestants = [ours, ...running.map(({ training }) => training)].map((training) => ({
    run: async () => {
      await training.step();
      if (training === ours) recordings.push(ours.recording);
    },
  }));
  const samples = await takeTurns(contestants, options.sampling);
  const { median: msPerStep, spread } = summarize(samples[0]);
  const dispatches = await ours.dispatches();
  const kernelShare = await ours.kernelShare();
  const { peak } = device.memory();
  const rssBytes = options.rssBytes?.() ?? null;
  const results = entries.map((entry) =>
    typeof entry === 'string'
      ? missing(entry)
      : peerResult(entry.lossError, sizes.dtype, samples[0], samples[1 + running.indexOf(entry)]),
  );
  for (const { training } of running) training.close();
  ours.close();
  const { B, T, positions } = task;
  return {
    ...sizes,
    dtype: sizes.dtype ?? 'f32',
    packed: false,
    msPerStep,
    spread,
    tokensPerSecond: (1e3 * B * T) / msPerStep,
    kernelShare,
    dispatches,
    cpuMicrosPerDispatch: (1e3 * summarize(recordings).median) / dispatches,
    mfu: stepFlops(task.config, { B, T, predicted: positions.length }) / msPerStep / 1e6 / options.ceiling,
    peakGpuBytes: peak,
    rssBytes,
    peers: Object.fromEntries(Object.keys(options.peers ?? {}).map((name, i) => [name, results[i]])),
  };
}

interface Entry {
  training: Training;
  lossError: number;
}

/** Opens a peer and holds its first losses against ours. */
async function enter(
  open: (task: TrainingTask) => Promise<Training>,
  task: TrainingTask,
  losses: readonly number[],
): Promise<Entry> {
  const training = await open(task);
  const theirs = await firstLosses(training);
  return { training, lossError: Math.max(...theirs.map((loss, i) => Math.abs(loss / losses[i] - 1))) };
}

async function firstLosses(training: Training): Promise<number[]> {
  const losses: number[] = [];
  for (let i = 0; i < comparedSteps; i++) losses.push(await training.step());
  return losses;
}

const missing = (note: string): StepPeer => ({
  msPerStep: null,
  spread: null,
  ratio: null,
  ratioSpread: null,
  lossAgree: null,
  lossError: null,
  note,
});

function peerResult(
  lossError: number,
  dtype: FloatType | undefined,
  ours: readonly number[],
  theirs: readonly number[],
): StepPeer {
  const { median: msPerStep, spread } = summarize(theirs);
  const factor = ratio(theirs, ours);
  const lossAgree = lossError <= lossTolerance[dtype ?? 'f32'];
  return { msPerStep, spread, ratio: factor.median, ratioSpread: factor.spread, lossAgree, lossError };
}
