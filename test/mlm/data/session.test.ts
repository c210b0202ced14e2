import { describe, expect, test } from 'vitest';
import { type Dataset, rowOf } from '../../../src/mlm/data/dataset.ts';
import { evaluationBatches } from '../../../src/mlm/data/evaluationSet.ts';
import { readsStream } from '../../../src/mlm/data/session.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  createObjective,
  parseOptions,
  type Session,
  type TrainOptions,
} from '../../../src/mlm/index.ts';

const lines = Array.from({ length: 40 }, (_, i) => `line ${i} of a small corpus`);
const rowsOf = (dataset: Dataset) => Array.from({ length: dataset.size }, (_, i) => [...rowOf(dataset, i)]);
const corpus: Corpus = { name: 'lines', documents: lines };

describe('buildSession', () => {
  test('is a function of its arguments, and trains on nothing that it validates on', async () => {
    const options = parseOptions({ vocabSize: 60, validation: 0.25, seed: 4 });
    const [first, second] = [await buildSession(corpus, options), await buildSession(corpus, options)];
    expect(rowsOf(first.train)).toEqual(rowsOf(second.train));
    expect(first.tokenizer.toJSON()).toEqual(second.tokenizer.toJSON());
    expect([first.train.size, first.validation.size]).toEqual([30, 10]);
    const texts = ({ train, validation, tokenizer }: typeof first, part: 'train' | 'validation') => {
      const dataset = part === 'train' ? train : validation;
      return Array.from({ length: dataset.size }, (_, i) => tokenizer.decode([...rowOf(dataset, i)]));
    };
    const held = new Set(texts(first, 'validation'));
    expect(held.size).toBe(10);
    for (const text of texts(first, 'train')) expect(held.has(text)).toBe(false);
    const other = await buildSession(corpus, { ...options, seed: 5 });
    expect(rowsOf(other.validation)).not.toEqual(rowsOf(first.validation));
  });

  test('uses a tokenizer that is given', async () => {
    const options = parseOptions({ vocabSize: 60 });
    const { tokenizer } = await buildSession(corpus, options);
    const again = await buildSession(corpus, options, tokenizer);
    expect(again.tokenizer).toBe(tokenizer);
  });

  test('reads characters as one unbroken text', async () => {
    expect(readsStream({ tokenizer: 'char', documents: undefined })).toBe(true);
    expect(readsStream({ tokenizer: 'char', documents: 'line' })).toBe(false);
    expect(readsStream({ tokenizer: 'wordpiece', documents: undefined })).toBe(false);
    const options = parseOptions({ tokenizer: 'char', seqLen: 16 });
    const { train } = await buildSession({ name: 'text', documents: [lines.join('\n')] }, options);
    expect(train.lengths.subarray(0, -1).every((length) => length === 16)).toBe(true);
  });

  test('knows the floor of a synthetic language alone, and baselines lie above it', async () => {
    const clock = builtInCorpus('synthetic:clock', { count: 400 }) as Corpus;
    const options = parseOptions({ data: ['synthetic:clock'], seqLen: 18 });
    const session = await buildSession(clock, options);
    const batches = evaluationBatches(session, objectiveOf(session, options), options);
    const floor = session.floor?.(batches) as number;
    const { unigram, neighbours = unigram } = session.baselines(batches, objectiveOf(session, options));
    expect(floor).toBeGreaterThan(0.5);
    expect(neighbours.loss).toBeGreaterThan(floor);
    expect(unigram.loss).toBeGreaterThan(neighbours.loss);
    expect((await buildSession(corpus, parseOptions({ vocabSize: 60 }))).floor).toBeUndefined();
  });
});

const objectiveOf = ({ tokenizer }: Session, options: TrainOptions) => createObjective(options, tokenizer);

describe('evaluationBatches', () => {
  test('take rows from the whole validation part, and the same ones whatever the batch size', async () => {
    const options = parseOptions({ vocabSize: 60, validation: 0.5, evalSequences: 7 });
    const session = await buildSession(corpus, options);
    const rows = (batchSize: number, accumulation = 1) =>
      evaluationBatches(session, objectiveOf(session, options), {
        ...options,
        batchSize,
        accumulation,
      }).flatMap((batch) => [...batch.rows].filter((row) => row >= 0));
    expect(rows(2)).toEqual([0, 2, 5, 8, 11, 14, 17]);
    expect(rows(4)).toEqual(rows(2));
    expect(rows(64)).toEqual(rows(2));
    expect(rows(8, 4)).toEqual(rows(2));
    const all = evaluationBatches(session, objectiveOf(session, options), {
      ...options,
      evalSequences: 1000,
    });
    expect(all.flatMap((batch) => [...batch.rows])).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('depend on the mask seed and not on that of the run', async () => {
    const options = parseOptions({ vocabSize: 60 });
    const session = await buildSession(corpus, options);
    const inputs = (seed: number, maskSeed?: number) =>
      evaluationBatches(
        session,
        objectiveOf(session, options),
        { ...options, seed } as typeof options,
        maskSeed,
      )[0].inputIds;
    expect(inputs(1)).toEqual(inputs(2));
    expect(inputs(1, 8)).not.toEqual(inputs(1, 9));
  });
});
