/** What each objective makes of a row, and what it refuses. */
import { describe, expect, test } from 'vitest';
import { makeBatch } from '../../../src/mlm/data/batch.ts';
import { buildDataset } from '../../../src/mlm/data/dataset.ts';
import { createObjective, type Example, objectiveNames } from '../../../src/mlm/objectives/index.ts';
import { textOf } from '../../../src/mlm/objectives/sequenceToSequence.ts';
import { boundaries } from '../../../src/mlm/objectives/spanBoundary.ts';
import { parseOptions } from '../../../src/mlm/training/options.ts';
import { characterTokenizer } from '../vocabulary.ts';

const tokenizer = { ...characterTokenizer('abcdefgh.'), isWordStart: () => true };
const { cls, sep, mask } = tokenizer.special;
const text = 'abc.defg.hab.cdefghab';
const ids = Uint32Array.from([cls, ...Array.from(tokenizer.encodeToIds(text)), sep]);
const T = 26;

const objective = (name: string, options: object = {}) =>
  createObjective(parseOptions({ objective: name, ...options }), tokenizer);
const keyOf = (index: number) => ({ seed: 5, epoch: 0, index, quantile: 0.4, progress: 0 });
const examples = (name: string, options: object = {}): Example[] => {
  const { train } = objective(name, options);
  return Array.from({ length: 50 }, (_, index) => train.apply(ids, T, keyOf(index)));
};

describe.each(objectiveNames)('%s', (name) => {
  test('keeps to the shapes it announces, leaves the row alone, and repeats itself', () => {
    for (const { train, evaluation } of [objective(name)]) {
      for (const corruption of [train, evaluation]) {
        for (const length of [3, 4, 9, ids.length]) {
          const row = Uint32Array.from([...ids.slice(0, length - 1), sep]);
          const before = row.slice();
          for (let index = 0; index < 30; index++) {
            const example = corruption.apply(row, T, keyOf(index));
            const { inputIds, positions, labels, weights } = example;
            expect(inputIds.length).toBeLessThanOrEqual(corruption.rowLength(T));
            expect(positions.length).toBeLessThanOrEqual(corruption.places(T));
            expect(labels.length).toBe(positions.length);
            expect(weights === undefined).toBe(!corruption.weighted);
            expect(Math.max(-1, ...Array.from(positions))).toBeLessThan(inputIds.length);
            expect(corruption.apply(row, T, keyOf(index))).toEqual(example);
          }
          expect(row).toEqual(before);
        }
      }
    }
  });
});

test('causal: every token from the one before it; the end of a document, not of a full row', () => {
  const { train } = objective('causal');
  const { positions, labels, inputIds } = train.apply(ids, T, keyOf(0));
  expect(inputIds).toEqual(ids);
  expect([...Array.from(positions)]).toEqual(Array.from({ length: ids.length - 1 }, (_, i) => i));
  expect(Array.from(labels)).toEqual([...ids.slice(1)]);
  expect(Array.from(train.apply(ids, ids.length, keyOf(0)).labels)).toEqual([...ids.slice(1, -1)]);
});

test('masked next-token: the label of a hidden token stands one place before it', () => {
  for (const { inputIds, positions, labels } of examples('mntp', { maskReplace: [1, 0, 0] })) {
    expect(positions.length).toBeGreaterThan(0);
    Array.from(positions).forEach((at, i) => {
      expect(inputIds[at + 1]).toBe(mask);
      expect(labels[i]).toBe(ids[at + 1]);
    });
  }
});

test('hybrid: rows of either task weigh alike', () => {
  const both = examples('hybrid', { causalShare: 0.5 });
  const weightOf = ({ weights = [] }: Example) =>
    Array.from(weights).reduce((sum, weight) => sum + weight, 0);
  const causal = both.filter(({ prefix }) => prefix === 0);
  const masked = both.filter(({ prefix }) => prefix === ids.length);
  expect(causal.length + masked.length).toBe(50);
  expect(Math.min(causal.length, masked.length)).toBeGreaterThan(10);
  expect(new Set(causal.map(({ inputIds }) => inputIds.join())).size).toBe(1);
  expect(weightOf(causal[0])).toBeCloseTo(weightOf(masked[0]), 5);
});

test('T5: source and target together are the text, each sentinel once', () => {
  for (const { inputIds, labels, positions, prefix = 0 } of examples('t5')) {
    const source = Array.from(inputIds.subarray(1, prefix - 1));
    const target = Array.from(labels).slice(0, -1);
    expect(Array.from(inputIds.subarray(prefix))).toEqual(target);
    expect(positions[0]).toBe(prefix - 1);
    const spans = new Map<number, number[]>();
    let current: number[] = [];
    for (const id of target) {
      if (id < tokenizer.vocabSize) current.push(id);
      else {
        current = [];
        expect(spans.has(id)).toBe(false);
        spans.set(id, current);
      }
    }
    expect(source.flatMap((id) => spans.get(id) ?? [id])).toEqual([...textOf(ids, tokenizer)]);
  }
});

test('BART: the target is the text, the source its sentences in another order with holes', () => {
  const all = examples('bart');
  for (const { inputIds, labels, prefix = 0 } of all) {
    expect(Array.from(labels)).toEqual([...textOf(ids, tokenizer), sep]);
    const source = Array.from(inputIds.subarray(1, prefix - 1));
    expect(source).toContain(mask);
    expect(source.length).toBeLessThanOrEqual(text.length);
  }
  const whole = examples('bart', { maskRate: 1e-9 }).map(({ inputIds, prefix = 0 }) =>
    Array.from(inputIds.subarray(1, prefix - 1), (id) => tokenizer.idToToken(id)).join(''),
  );
  const sentences = (line: string) =>
    line
      .split(/(?<=\.)/)
      .sort()
      .join();
  expect(new Set(whole).size).toBeGreaterThan(10);
  expect(whole.every((line) => line.length === text.length)).toBe(true);
  expect(whole.some((line) => sentences(line) === sentences(text))).toBe(true);
});

test('a batch holds the prefixes, weights and normalizers of its rows', () => {
  const dataset = buildDataset([text, 'abc'], tokenizer, { seqLen: T });
  const { train } = objective('diffusion');
  const batch = makeBatch(dataset, Int32Array.of(0, 1, -1), train, { seed: 0, epoch: 0 });
  expect(batch.normalizer).toBe(text.length + 3);
  expect(batch.tokens).toBe(text.length + 3 + 4);
  const pairs = makeBatch(dataset, Int32Array.of(0, 1, -1), objective('t5').train, { seed: 0, epoch: 0 });
  expect(pairs.T).toBe(objective('t5').train.rowLength(T));
  expect([...(pairs.prefix ?? [])].map((prefix) => prefix > 0)).toEqual([true, true, false]);
  expect(pairs.normalizer).toBe(pairs.count);
});

describe('options', () => {
  test('of another objective are refused by name', () => {
    expect(() => parseOptions({ objective: 'causal', maskRate: 0.2 })).toThrow(
      /maskRate is no option of the objective causal, but of mlm, .*causal has none of its own/,
    );
    expect(() => parseOptions({ objective: 't5', permute: 0.2 })).toThrow(
      /permute is no option of the objective t5, but of bart.*Those of t5: maskRate, spanMean/,
    );
    expect(() => parseOptions({ objective: 'gpt' })).toThrow(/objective: .*"mlm"/);
  });

  test('have the defaults of their objective', () => {
    expect(parseOptions({}).maskRate).toBe(0.15);
    expect(parseOptions({ objective: 'bart' }).maskRate).toBe(0.3);
    expect(parseOptions({ objective: 'causal' }).maskRate).toBeUndefined();
    expect(parseOptions({ objective: 'causal', data: ['synthetic:clock'] }).maskReplace).toBeUndefined();
  });

  test('that the vocabulary cannot serve are refused', () => {
    const noMask = { ...tokenizer, special: { ...tokenizer.special, mask: -1 } };
    for (const name of ['mlm', 'mntp', 'diffusion', 'bart']) {
      expect(() => createObjective(parseOptions({ objective: name }), noMask)).toThrow('has no [MASK] token');
    }
    const { train } = createObjective(parseOptions({ masking: 'word' }), characterTokenizer('abc'));
    expect(() => train.apply(ids, T, keyOf(0))).toThrow('does not tell where words begin');
  });
});

test('span boundaries: the tokens next to a run of masked ones, and the places in it', () => {
  const dataset = buildDataset(['abcdefgh'], tokenizer, { seqLen: 10 });
  const { train } = objective('mlm');
  const batch = makeBatch(dataset, Int32Array.of(0, 0), train, { seed: 0, epoch: 0 });
  const hidden = Uint32Array.of(2, 3, 4, 7);
  const spans = {
    ...batch,
    M: 5,
    maskedPositions: Uint32Array.from([...hidden, 0, ...hidden.map((at) => at + 10), 10]),
    labels: Int32Array.from([5, 5, 5, 5, -100, 5, 5, 5, 5, -100]),
  };
  const { left, right, place } = boundaries(spans);
  expect([...left]).toEqual([1, 1, 1, 6, 0, 11, 11, 11, 16, 10]);
  expect([...right]).toEqual([5, 5, 5, 8, 0, 15, 15, 15, 18, 10]);
  expect([...place]).toEqual([0, 1, 2, 0, 0, 0, 1, 2, 0, 0]);
});
