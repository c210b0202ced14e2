/** Tiny runs for tests of training: the noisy clock, a model of two narrow layers. */
import { afterAll } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  MemoryStore,
  parseOptions,
  Trainer,
  type TrainOptionsInput,
} from '../../src/mlm/index.ts';
import type { StartEvent, TrainEvent } from '../../src/mlm/training/events.ts';

export const tiny: TrainOptionsInput = {
  preset: 'nano',
  seqLen: 18,
  batchSize: 4,
  steps: 12,
  evalEvery: 4,
  evalSequences: 6,
  dropout: 0.1,
  lr: 2e-3,
};

export interface RunResult {
  events: TrainEvent[];
  weights: Map<string, Float32Array>;
  metrics: string;
  /** Bytes that the run took at most. */
  peak: number;
}

let shared: Promise<Engine> | undefined;
afterAll(async () => (await shared)?.close());

/** The engine of all runs of a file: compiling the pipelines anew for each would take longer than the runs do. */
export function sharedEngine(): Promise<Engine> {
  shared ??= Engine.open();
  return shared;
}

/**
 * Trains on an engine that the file's runs share; `stopAfter` ends the run after that step as Ctrl-C would, `lossScale` is what a run in f16
 * begins with.
 */
export async function run(
  overrides: TrainOptionsInput = {},
  settings: {
    store?: MemoryStore;
    resume?: boolean;
    stopAfter?: number;
    poison?: number;
    lossScale?: number;
  } = {},
): Promise<RunResult> {
  const engine = await sharedEngine();
  const { store = new MemoryStore(), resume } = settings;
  const options = parseOptions({ ...tiny, ...overrides });
  const corpus = builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus;
  const session = await buildSession(corpus, options);
  const trainer = new Trainer({ engine, session, options, store, resume });
  if (settings.lossScale) trainer.scaler?.load({ scale: settings.lossScale, growthTracker: 0 });
  const events: TrainEvent[] = [];
  for await (const event of trainer.run()) {
    events.push(event);
    if (event.event !== 'step') continue;
    if (event.step === settings.stopAfter) trainer.stop();
    if (event.step === settings.poison) trainer.slab.segments[0].values.write(nans(trainer));
  }
  const weights = await trainer.slab.read();
  trainer.dispose();
  const { state, activations } = (events[0] as StartEvent).memory;
  const metrics = (await store.readText('metrics.jsonl')) ?? '';
  return { events, weights, metrics, peak: state + activations };
}

function nans(trainer: Trainer): Float32Array {
  return new Float32Array(trainer.slab.segments[0].values.size).fill(Number.NaN);
}
