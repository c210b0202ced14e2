import { describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { type Batch, makeBatch, makePackedBatch } from '../../../src/mlm/data/batch.ts';
import {
  bucketOf,
  groupByLength,
  isPackable,
  type Packing,
  packRows,
  paddingShare,
} from '../../../src/mlm/data/packing.ts';
import { TrainingBatches } from '../../../src/mlm/data/trainingBatches.ts';
import { BertForMaskedLM, buildDataset } from '../../../src/mlm/index.ts';
import type { MaskingOptions } from '../../../src/mlm/masking/index.ts';
import { causalCorruption } from '../../../src/mlm/objectives/causal.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import { maskedCorruption, masks } from '../../../src/mlm/objectives/maskedLanguageModel.ts';
import type { Corruption } from '../../../src/mlm/objectives/objective.ts';
import { TrainingStep } from '../../../src/mlm/training/step.ts';
import { AdamW, materialize } from '../../../src/nn/index.ts';
import { characterTokenizer } from '../vocabulary.ts';

const tokenizer = characterTokenizer('abcdefgh');
const texts = Array.from({ length: 40 }, (_, i) =>
  'abcdefghhgfedcbaabcdefgh'.slice(i % 5, 6 + ((i * 7) % 19)),
);
const dataset = buildDataset(texts, tokenizer, { seqLen: 24 });
const masked = (options: MaskingOptions) => maskedCorruption(masks(options, tokenizer));
const corruption = masked({ rate: 0.2 });
const key = { seed: 3, epoch: 1 };

const allPacks = ({ size, pack, places }: Packing) => ({
  packs: Array.from({ length: size }, (_, index) => pack(index)),
  places,
});

describe('packed rows', () => {
  const { packs, places } = allPacks(packRows(dataset, corruption));

  test('hold every row of the dataset once, and no more than fits', () => {
    const all = packs.flatMap((pack) => [...pack]).sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: dataset.size }, (_, i) => i));
    for (const pack of packs) {
      expect(pack.reduce((sum, row) => sum + dataset.lengths[row], 0)).toBeLessThanOrEqual(dataset.T);
    }
  });

  test('spare most of the padding', () => {
    expect(paddingShare(dataset)).toBeGreaterThan(0.25);
    expect(paddingShare(dataset, packs.length)).toBeLessThan(0.1);
  });

  test('are refused where rows change their length or have a prefix each', () => {
    expect(isPackable(corruption, 24)).toBe(true);
    expect(isPackable({ ...corruption, attention: 'prefix' }, 24)).toBe(false);
    expect(isPackable({ ...corruption, rowLength: (T) => 2 * T }, 24)).toBe(false);
  });

  test.each<[string, Corruption]>([
    ['masked', corruption],
    ['masked by chance', masked({ rate: 0.4, selection: 'bernoulli' })],
    ['causal', causalCorruption(tokenizer)],
  ])('ask for the same predictions as rows of their own: %s', (_, corruption) => {
    const { packs, places } = allPacks(packRows(dataset, corruption));
    const rows = Int32Array.from({ length: dataset.size }, (_, i) => i);
    const separate = makeBatch(dataset, rows, corruption, key);
    const packed = makePackedBatch(dataset, packs, places, corruption, key);
    const asked = ({ T, M, ...batch }: Batch) =>
      [...batch.labels]
        .map((label, place) => {
          const at = batch.maskedPositions[place];
          return label < 0 || Math.floor(at / T) !== Math.floor(place / M)
            ? ''
            : `${label}@${batch.inputIds[at]}`;
        })
        .filter((text) => text !== '')
        .sort();
    expect(asked(packed)).toEqual(asked(separate));
    expect(packed.count).toBe(separate.count);
    expect(packed.normalizer).toBe(separate.normalizer);
    expect(packed.tokens).toBe(separate.tokens);
  });

  test('number the documents, and begin each at position 0', () => {
    const pack = packs.find(({ length }) => length > 1) as Uint32Array;
    const { segments, positions } = makePackedBatch(dataset, [pack], places, corruption, key);
    const first = dataset.lengths[pack[0]];
    expect(segments?.slice(first - 1, first + 1)).toEqual(Int32Array.of(0, 1));
    expect(positions?.slice(first - 1, first + 2)).toEqual(Uint32Array.of(first - 1, 0, 1));
    const used = pack.reduce((sum, row) => sum + dataset.lengths[row], 0);
    expect([...(segments as Int32Array).subarray(used)].every((segment) => segment === -1)).toBe(true);
  });
});

describe.each(['absolute', 'rotary'] as const)(
  'with %s positions, the loss and its gradients',
  (positions) => {
    /** Loss and gradients of one step over the batches, without changing a weight. */
    async function lossAndGradients(engine: Engine, batches: Batch[]) {
      const config = presetConfig('nano', {
        vocab_size: tokenizer.vocabSize,
        max_position_embeddings: 24,
        hidden_dropout_prob: 0,
        attention_probs_dropout_prob: 0,
        position_embedding_type: positions,
      });
      const model = new BertForMaskedLM(config);
      const slab = materialize(model, engine, { seed: 1 });
      const step = new TrainingStep({
        trainee: languageModel(config, model),
        slab,
        optimizer: new AdamW(slab),
        seed: 0,
      });
      const { loss, gradNorm } = await step.run(batches, 1, 0);
      const gradients = await slab.read(slab.segments.map((segment) => segment.gradients));
      step.dispose();
      slab.dispose();
      return { loss, gradNorm, gradients };
    }

    test('are those of padded rows, and of rows without any padding', async () => {
      using engine = await Engine.open();
      const rows = Int32Array.from({ length: 7 }, (_, row) => row);
      const few = { ...dataset, size: rows.length, lengths: dataset.lengths.slice(0, rows.length) };
      const { packs, places } = allPacks(packRows(few, corruption));
      const packed = await lossAndGradients(engine, [makePackedBatch(few, packs, places, corruption, key)]);
      const padded = await lossAndGradients(engine, [makeBatch(few, rows, corruption, key)]);
      const unpadded = await lossAndGradients(
        engine,
        Array.from(few.lengths, (T, row) => makeBatch(few, Int32Array.of(row), corruption, { ...key, T })),
      );
      for (const other of [packed, unpadded]) {
        expect(Math.abs(other.loss - padded.loss)).toBeLessThan(1e-5 * padded.loss);
        for (const [name, values] of padded.gradients) {
          const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
          const theirs = other.gradients.get(name) as Float32Array;
          const error = values.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
          expect(error / largest, name).toBeLessThan(1e-5);
        }
      }
    });
  },
);

describe('rows grouped by length', () => {
  const order = Uint32Array.from({ length: dataset.size }, (_, i) => (i * 7) % dataset.size);

  test('are the same rows, those of one batch of like lengths', () => {
    const grouped = groupByLength(order, dataset.lengths, 4);
    expect([...grouped].sort((a, b) => a - b)).toEqual([...order].sort((a, b) => a - b));
    const spread = (rows: Uint32Array) => {
      let sum = 0;
      for (let start = 0; start < rows.length; start += 4) {
        const lengths = Array.from(rows.subarray(start, start + 4), (row) => dataset.lengths[row]);
        sum += Math.max(...lengths) - Math.min(...lengths);
      }
      return sum;
    };
    expect(spread(grouped)).toBeLessThan(0.3 * spread(order));
  });

  test('come in batches of a few lengths, each long enough', () => {
    const rows = Int32Array.from({ length: dataset.size }, (_, i) => i);
    const found = new Set(Array.from(rows, (row) => bucketOf(dataset, Int32Array.of(row, -1))));
    expect([...found].sort((a, b) => a - b)).toEqual([6, 12, 18, 24].filter((T) => found.has(T)));
    expect(found.size).toBeGreaterThan(1);
    for (const row of rows) {
      expect(bucketOf(dataset, Int32Array.of(row))).toBeGreaterThanOrEqual(dataset.lengths[row]);
    }
  });
});

describe('batches of training', () => {
  const options = { batchSize: 4, accumulation: 2, seed: 5 };
  const epoch = (batching: 'packed' | 'grouped' | 'padded') => {
    const batches = new TrainingBatches(dataset, corruption, { ...options, batching });
    return Array.from({ length: batches.stepsPerEpoch }, (_, i) => batches.of(i + 1, 0)).flat();
  };

  test('pad less when grouped, and least when packed', () => {
    const padding = (batches: Batch[]) =>
      1 -
      batches.reduce((sum, { tokens }) => sum + tokens, 0) /
        batches.reduce((sum, { B, T }) => sum + B * T, 0);
    const [packed, grouped, padded] = (['packed', 'grouped', 'padded'] as const).map((how) =>
      padding(epoch(how)),
    );
    expect(grouped).toBeLessThan(0.8 * padded);
    expect(packed).toBeLessThan(0.5 * grouped);
  });

  test('are packed nowhere where no row is spared', () => {
    const full = buildDataset(['abcdefgh', 'hgfedcba'], tokenizer, { seqLen: 10 });
    const batches = new TrainingBatches(full, corruption, { ...options, batching: 'packed' });
    expect(batches.packing).toBeUndefined();
  });
});
