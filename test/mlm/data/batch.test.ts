import { describe, expect, test } from 'vitest';
import {
  type Batch,
  batchCount,
  batches,
  epochOrder,
  ignoreIndex,
  restoredRows,
} from '../../../src/mlm/data/batch.ts';
import { buildDataset, rowOf } from '../../../src/mlm/data/dataset.ts';
import type { MaskingOptions } from '../../../src/mlm/masking/index.ts';
import { maskedCorruption, masks } from '../../../src/mlm/objectives/maskedLanguageModel.ts';
import { characterTokenizer } from '../vocabulary.ts';

const tokenizer = characterTokenizer('abcdefghijklmnop');
const documents = Array.from({ length: 23 }, (_, i) => 'abcdefghijklmnop'.slice(i % 7, 8 + (i % 9)));
const dataset = buildDataset(documents, tokenizer, { seqLen: 18 });
const corrupt = (options: MaskingOptions) => maskedCorruption(masks(options, tokenizer));
const options = { batchSize: 5, seed: 0, corruption: corrupt({ rate: 0.3 }), shuffle: true };

const visited = (some: Batch[]) => some.flatMap(({ rows }) => [...rows]).filter((index) => index >= 0);

describe('batches', () => {
  test('an epoch visits every row once, in another order each epoch', () => {
    const first = visited([...batches(dataset, options)]);
    const second = visited([...batches(dataset, { ...options, epoch: 1 })]);
    const sorted = Array.from({ length: dataset.size }, (_, index) => index);
    expect([...first].sort((a, b) => a - b)).toEqual(sorted);
    expect([...second].sort((a, b) => a - b)).toEqual(sorted);
    expect(first).not.toEqual(second);
    expect(visited([...batches(dataset, { ...options, shuffle: false })])).toEqual(sorted);
    expect(visited([...batches(dataset, { ...options, seed: 1 })])).not.toEqual(first);
    expect([...epochOrder(dataset.size, 0, 0)]).toEqual(first);
  });

  test('an epoch taken up in its middle goes on as if never interrupted', () => {
    const whole = [...batches(dataset, { ...options, epoch: 3 })];
    const rest = [...batches(dataset, { ...options, epoch: 3, startIndex: 10 })];
    expect(rest).toEqual(whole.slice(2));
  });

  test('a row is masked alike in whatever batch it stands', () => {
    const byRow = (batchSize: number) => {
      const rows = new Map<number, string>();
      for (const batch of batches(dataset, { ...options, batchSize })) {
        batch.rows.forEach((index, b) => {
          if (index >= 0) rows.set(index, batch.inputIds.slice(b * batch.T, (b + 1) * batch.T).join());
        });
      }
      return [...rows].sort(([a], [b]) => a - b);
    };
    expect(byRow(5)).toEqual(byRow(8));
  });

  test('every batch has the same shape; the last is padded with empty rows or dropped', () => {
    const padded = [...batches(dataset, options)];
    const dropped = [...batches(dataset, { ...options, last: 'drop' })];
    expect(padded).toHaveLength(batchCount(dataset.size, 5));
    expect(dropped).toEqual(padded.slice(0, 4));
    for (const { B, T, M, inputIds, attentionMask, maskedPositions, labels, count } of padded) {
      expect([B, T, M]).toEqual([5, 18, 5]);
      expect([inputIds, attentionMask, maskedPositions, labels].map((array) => array.length)).toEqual([
        ...[90, 90, 25, 25],
      ]);
      expect(labels.filter((label) => label !== ignoreIndex)).toHaveLength(count);
    }
    const last = padded[4];
    expect([...last.rows.slice(3)]).toEqual([-1, -1]);
    expect(Math.max(...last.inputIds.slice(3 * 18))).toBe(tokenizer.special.pad);
    expect(Math.max(...last.attentionMask.slice(3 * 18))).toBe(0);
    expect(new Set(last.labels.slice(3 * 5))).toEqual(new Set([ignoreIndex]));
  });

  test('fewer rows than one batch still make one, even when training', () => {
    const small = buildDataset(['abc', 'def'], tokenizer, { seqLen: 5 });
    const [only, ...more] = batches(small, { ...options, last: 'drop' });
    expect(more).toEqual([]);
    expect(visited([only]).sort()).toEqual([0, 1]);
    expect(only.count).toBe(2);
  });

  test('labels are the true tokens, and unused places point into their own row', () => {
    for (const batch of batches(dataset, {
      ...options,
      corruption: corrupt({ rate: 0.3, selection: 'bernoulli' }),
    })) {
      batch.labels.forEach((label, place) => {
        const b = Math.floor(place / batch.M);
        const position = batch.maskedPositions[place] - b * batch.T;
        expect(position).toBeGreaterThanOrEqual(0);
        expect(position).toBeLessThan(batch.T);
        if (label !== ignoreIndex) expect(label).toBe(rowOf(dataset, batch.rows[b])[position]);
      });
    }
  });

  test('restoredRows undoes the masks and skips empty rows', () => {
    const rows = [...batches(dataset, options)].flatMap((batch) => [...restoredRows(batch)]);
    const order = [...epochOrder(dataset.size, 0, 0)];
    expect(rows.map(({ ids }) => [...ids])).toEqual(order.map((index) => [...rowOf(dataset, index)]));
    expect(rows.some(({ ids, seen }) => ids.join() !== seen.join())).toBe(true);
  });

  test('a batch size of 0 is an error', () => {
    expect(() => [...batches(dataset, { ...options, batchSize: 0 })]).toThrow('The batch size is 0');
  });
});
