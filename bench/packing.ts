/**
 * What packing is worth where documents are shorter than rows: steps over the built-in stories, one in a row and several, in
 * turns. What counts is tokens a second, padding left out.
 */
import { Engine } from '../src/autograd/index.ts';
import type { Device } from '../src/gpu/index.ts';
import { paddingShare } from '../src/mlm/data/packing.ts';
import { TrainingBatches } from '../src/mlm/data/trainingBatches.ts';
import {
  type Batch,
  buildSession,
  builtInCorpus,
  type Corpus,
  createObjective,
  parseOptions,
} from '../src/mlm/index.ts';
import { digits, rangeText } from './report.ts';
import { ratio, type Sampling, summarize, takeTurns } from './sampling.ts';
import { OurTraining, type StepSizes } from './stepTask.ts';

/** How steps over rows of one kind went. */
export interface RowsMeasured {
  /** Share of padding in the rows of an epoch. */
  padding: number;
  msPerStep: number;
  spread: [min: number, max: number];
  /** Tokens of the text a second. */
  tokensPerSecond: number;
}

export interface PackingRow extends Pick<StepSizes, 'model' | 'seqLen' | 'batch'> {
  padded: RowsMeasured;
  packed: RowsMeasured;
  /** How many times as many tokens a second packed rows train on. */
  speedUp: number;
  spread: [min: number, max: number];
  /** The same if time went by places alone, padding or not. */
  spared: number;
}

const documents = 2000;

/** `vocab` is the size of the vocabulary that is trained on the stories. */
export async function measurePacking(
  device: Device,
  sizes: StepSizes,
  sampling: Sampling,
): Promise<PackingRow> {
  const engine = new Engine(device);
  const { padded, packed, vocab } = await storyBatches(sizes);
  const trainings = [
    await OurTraining.open(engine, { ...sizes, vocab }, padded.batch),
    await OurTraining.open(engine, { ...sizes, vocab }, packed.batch),
  ];
  for (const training of trainings) for (let i = 0; i < 3; i++) await training.step();
  const contestants = trainings.map((training) => ({
    run: async () => {
      await training.step();
    },
  }));
  const samples = await takeTurns(contestants, sampling);
  for (const training of trainings) training.close();
  const rows = [padded, packed].map(({ padding, batch }, i): RowsMeasured => {
    const { median: msPerStep, spread } = summarize(samples[i]);
    return { padding, msPerStep, spread, tokensPerSecond: (1e3 * batch.tokens) / msPerStep };
  });
  const tokens = packed.batch.tokens / padded.batch.tokens;
  const { median, spread } = ratio(samples[0], samples[1]);
  const { model, seqLen, batch } = sizes;
  return {
    ...{ model, seqLen, batch, padded: rows[0], packed: rows[1] },
    speedUp: tokens * median,
    spread: [tokens * spread[0], tokens * spread[1]],
    spared: tokens,
  };
}

export function packingLines({ model, seqLen, batch, ...row }: PackingRow): string[] {
  const rows = ({ padding, msPerStep, tokensPerSecond }: RowsMeasured) =>
    `${digits(msPerStep)} ms, ${digits(tokensPerSecond)} tokens/s, ${(100 * padding).toFixed(0)} % padding`;
  return [
    `${model}: ${batch} x ${seqLen} places of stories`,
    `  padded      ${rows(row.padded)}`,
    `  packed      ${rows(row.packed)}`,
    `  speed-up    ${digits(row.speedUp)}x (${rangeText(row.spread)}); ${digits(row.spared)}x as many tokens in the same places`,
  ];
}

interface StoryBatch {
  batch: Batch;
  padding: number;
}

/** A batch of a run on the stories, padded and packed, the first of an epoch. */
async function storyBatches({
  seqLen,
  batch: batchSize,
  vocab: vocabSize,
  maskRate,
}: StepSizes): Promise<{ padded: StoryBatch; packed: StoryBatch; vocab: number }> {
  const options = parseOptions({ seqLen, batchSize, vocabSize, maskRate });
  const corpus = builtInCorpus('stories', { count: documents, seed: 0 }) as Corpus;
  const { train, tokenizer } = await buildSession(corpus, options);
  const { train: corruption } = createObjective(options, tokenizer);
  const make = (batching: 'padded' | 'packed'): StoryBatch => {
    const batches = new TrainingBatches(train, corruption, { ...options, batching });
    const rows = batches.packing?.size ?? train.size;
    return { batch: batches.of(1, 0)[0], padding: paddingShare(train, rows) };
  };
  return { padded: make('padded'), packed: make('packed'), vocab: tokenizer.vocabSize };
}
