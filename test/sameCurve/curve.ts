/**
 * A short run by which runtimes are compared: its batches as a hash, and the loss of every step. It is the same file in Node,
 * in Chromium and on Deno.
 */
import { Engine } from '../../src/autograd/index.ts';
import { Random } from '../../src/kernels/random.ts';
import type { Batch } from '../../src/mlm/data/batch.ts';
import { TrainingBatches } from '../../src/mlm/data/trainingBatches.ts';
import { buildSession, builtInCorpus, type Corpus, parseOptions, Trainer } from '../../src/mlm/index.ts';

export interface Curve {
  adapter: string;
  /** SHA-256 over every array of every batch. */
  batches: string;
  /** One for each step. */
  losses: number[];
}

export interface CurveSettings {
  adapter?: string;
  /** Shakes the weights before each step as rounding does: each by up to `relative` of itself, drawn from `seed`. */
  shaken?: { relative: number; seed: number };
}

const options = parseOptions({
  data: ['stories:short'],
  batchSize: 8,
  dropout: 0.1,
  steps: 30,
  evalEvery: 30,
  evalSequences: 8,
});

/**
 * The terms of the longest sum in the run: a decoder of 1024 words. The gradients of weights add up no more than the 512 tokens of
 * a batch.
 */
export const longestSum = 1024;

/** Trains on an engine of its own. */
export async function runCurve({ adapter, shaken }: CurveSettings = {}): Promise<Curve> {
  using engine = await Engine.open({ adapter });
  const corpus = builtInCorpus(options.data[0], { count: 600, seed: 0 }) as Corpus;
  const session = await buildSession(corpus, options);
  const trainer = new Trainer({ engine, session, options });
  const batches = new TrainingBatches(session.train, trainer.objective.train, options);
  const steps = options.steps as number;
  const seen = Array.from({ length: steps }, (_, i) => batches.of(i + 1, i / steps)).flat();
  const random = shaken && new Random(shaken.seed);
  const losses: number[] = [];
  for await (const event of trainer.run()) {
    if (event.event !== 'step') continue;
    losses.push(event.loss);
    if (random) await shake(trainer, () => 1 + shaken.relative * (2 * random.uniform() - 1));
  }
  trainer.dispose();
  return { adapter: engine.device.capabilities.name, batches: await digest(seen), losses };
}

async function shake({ slab }: Trainer, factor: () => number): Promise<void> {
  const weights = await slab.read();
  slab.write(new Map([...weights].map(([name, values]) => [name, values.map((value) => value * factor())])));
}

async function digest(batches: readonly Batch[]): Promise<string> {
  const arrays = batches.flatMap((batch) =>
    Object.values(batch).filter((value) => ArrayBuffer.isView(value)),
  );
  const bytes = await new Blob(arrays as BlobPart[]).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
