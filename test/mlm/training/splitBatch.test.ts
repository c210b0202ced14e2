import { expect, test } from 'vitest';
import { TrainingBatches } from '../../../src/mlm/data/trainingBatches.ts';
import {
  type Batch,
  buildSession,
  builtInCorpus,
  type Corpus,
  createObjective,
  parseOptions,
} from '../../../src/mlm/index.ts';
import type { ObjectiveName } from '../../../src/mlm/objectives/index.ts';
import { splitBatch } from '../../../src/mlm/training/splitBatch.ts';

async function batchOf(objective: ObjectiveName, batching: 'packed' | 'padded'): Promise<Batch> {
  const options = parseOptions({
    data: ['stories:short'],
    preset: 'nano',
    steps: 1,
    batchSize: 7,
    objective,
    batching,
    seqLen: 48,
  });
  const corpus = builtInCorpus('stories:short', { count: 80, seed: 0 }) as Corpus;
  const { train, tokenizer } = await buildSession(corpus, options);
  return new TrainingBatches(train, createObjective(options, tokenizer).train, options).of(1, 0)[0];
}

const arrays = ['inputIds', 'attentionMask', 'segments', 'positions', 'prefix', 'labels', 'weights'] as const;

test.each([
  ['mlm', 'packed'],
  ['mlm', 'padded'],
  ['diffusion', 'padded'],
  ['t5', 'padded'],
] as const)(
  'the parts of a batch (%s, %s) are its rows in order, and count as much',
  async (objective, batching) => {
    const batch = await batchOf(objective, batching);
    const parts = splitBatch(batch, 3);
    expect(parts.map(({ B }) => B)).toEqual([2, 2, 3]);
    for (const name of arrays) {
      const joined = parts.flatMap((part) => [...(part[name] ?? [])]);
      expect(joined, name).toEqual([...(batch[name] ?? [])]);
    }
    let before = 0;
    const places = parts.flatMap((part) => {
      const own = [...part.maskedPositions].map((position) => position + before * part.T);
      before += part.B;
      return own;
    });
    expect(places).toEqual([...batch.maskedPositions]);
    for (const name of ['count', 'normalizer', 'tokens'] as const) {
      expect(parts.reduce((sum, part) => sum + part[name], 0)).toBe(batch[name]);
    }
    expect(parts.flatMap(({ rows }) => [...rows])).toEqual([...batch.rows]);
  },
);

test('there are no more parts than rows, and one part is the batch itself', async () => {
  const batch = await batchOf('mlm', 'packed');
  expect(splitBatch(batch, 100).map(({ B }) => B)).toEqual([1, 1, 1, 1, 1, 1, 1]);
  expect(splitBatch(batch, 1)).toEqual([batch]);
});

test('a batch of pairs of texts is cut with the types of its tokens', async () => {
  const batch = await batchOf('mlm', 'padded');
  const types = Uint32Array.from(batch.inputIds, (_, i) => i % 2);
  const parts = splitBatch({ ...batch, types }, 3);
  for (const part of parts) expect(part.types).toHaveLength(part.inputIds.length);
  expect(parts.flatMap((part) => [...part.types!])).toEqual([...types]);
});
