/** The distribution of every way of masking, over a million positions each. Seeds are fixed. */
import { expect, test } from 'vitest';
import { Random } from '../../../src/kernels/random.ts';
import {
  type MaskedRow,
  type MaskingOptions,
  maskRow,
  pureMask,
  wordsOf,
} from '../../../src/mlm/masking/index.ts';
import { harmonic, truncatedGeometric } from '../../../src/mlm/masking/sampling.ts';
import { createObjective } from '../../../src/mlm/objectives/index.ts';
import { noiseOf } from '../../../src/mlm/objectives/spanCorruption.ts';
import { parseOptions } from '../../../src/mlm/training/options.ts';
import { Digest, pValue } from '../statistics.ts';
import { characterTokenizer } from '../vocabulary.ts';

const letters = 'abcdefghijklmnopqrstuvwxyz';
const characters = { ...characterTokenizer(letters), isWordStart: () => true };
/** Letters from n on go on with a word: words of about two tokens. */
const pieces = { ...characterTokenizer(letters), isWordStart: (id: number) => id < 5 + 13 };

const T = 128;
const rows = 8000; // 1,008,000 positions that are no special tokens
const ordinary = T - 2;

function row(index: number): Uint32Array {
  const random = new Random(7, 1, index);
  const ids = Uint32Array.from({ length: T }, () => 5 + random.below(letters.length));
  ids[0] = 2;
  ids[T - 1] = 3;
  return ids;
}

const texts = Array.from({ length: rows }, (_, index) => row(index));

interface Survey {
  chosen: number;
  shown: { mask: number; random: number; keep: number };
  drawn: number[];
  positions: number[];
  perRow: number[];
}

/** Masks all rows and counts; fails on a special token that was chosen or drawn, and on changes elsewhere. */
function survey(
  options: MaskingOptions,
  vocabulary: typeof pieces,
  visit: (masked: MaskedRow, ids: Uint32Array) => void = () => {},
): Survey {
  const counts: Survey = {
    chosen: 0,
    shown: { mask: 0, random: 0, keep: 0 },
    drawn: new Array(letters.length).fill(0),
    positions: new Array(T).fill(0),
    perRow: [],
  };
  let wrong = 0;
  texts.forEach((ids, index) => {
    const masked = maskRow(ids, T, vocabulary, options, { seed: 3, epoch: 2, index });
    const { inputIds, positions, labels } = masked;
    counts.perRow.push(positions.length);
    counts.chosen += positions.length;
    let next = 0;
    for (let at = 0; at < T; at++) {
      if (positions[next] !== at) {
        if (inputIds[at] !== ids[at]) wrong++;
        continue;
      }
      counts.positions[at]++;
      if (labels[next] !== ids[at] || ids[at] < 5) wrong++;
      if (inputIds[at] === vocabulary.special.mask) counts.shown.mask++;
      else if (inputIds[at] < 5) wrong++;
      else if (inputIds[at] === ids[at]) counts.shown.keep++;
      else {
        counts.shown.random++;
        counts.drawn[inputIds[at] - 5]++;
      }
      next++;
    }
    visit(masked, ids);
  });
  expect(wrong).toBe(0);
  return counts;
}

/** A random token is the true one by a chance of 1/26, and then counts as kept. */
const same = 0.1 / letters.length;
const shares801010 = [0.8, 0.1 - same, 0.1 + same];
const even = (n: number) => new Array<number>(n).fill(1 / n);
const inside = (positions: number[]) => positions.slice(1, -1);

test('single tokens: the exact number, every position and every random token alike, 80/10/10', () => {
  const { chosen, shown, drawn, positions, perRow } = survey({ rate: 0.15 }, characters);
  expect(new Set(perRow)).toEqual(new Set([Math.round(0.15 * ordinary)]));
  expect(chosen).toBe(rows * 19);
  expect(pValue([shown.mask, shown.random, shown.keep], shares801010)).toBeGreaterThan(0.001);
  expect(pValue(inside(positions), even(ordinary))).toBeGreaterThan(0.001);
  expect(pValue(drawn, even(letters.length))).toBeGreaterThan(0.001);
});

test('each token by its own chance: rate, positions and the spread of the number in a row', () => {
  const { chosen, shown, positions, perRow } = survey(
    { rate: 0.3, selection: 'bernoulli', replace: pureMask },
    characters,
  );
  const all = rows * ordinary;
  expect(pValue([chosen, all - chosen], [0.3, 0.7])).toBeGreaterThan(0.001);
  expect(pValue(inside(positions), even(ordinary))).toBeGreaterThan(0.001);
  expect(shown).toEqual({ mask: chosen, random: 0, keep: 0 });
  const mean = chosen / rows;
  const variance = perRow.reduce((sum, n) => sum + (n - mean) ** 2, 0) / rows;
  expect(variance / (ordinary * 0.3 * 0.7)).toBeGreaterThan(0.93);
  expect(variance / (ordinary * 0.3 * 0.7)).toBeLessThan(1.07);
});

/** Whether the positions are whole words of the row. */
function wholeWords(ids: Uint32Array, positions: ArrayLike<number>): boolean {
  const chosen = new Set(Array.from(positions));
  return wordsOf(ids, pieces).every(({ start, end }) => {
    const hidden = Array.from({ length: end - start }, (_, i) => chosen.has(start + i));
    return new Set(hidden).size === 1;
  });
}

test.each(['word', 'span', 'ngram'] as const)(
  '%s: no word is broken, and the budget is kept',
  (selection) => {
    let broken = 0;
    const { chosen, shown, perRow } = survey({ rate: 0.15, selection }, pieces, ({ positions }, ids) => {
      if (!wholeWords(ids, positions)) broken++;
    });
    expect(broken).toBe(0);
    expect(Math.max(...perRow)).toBeLessThanOrEqual(19);
    expect(chosen / (rows * 19)).toBeGreaterThan(0.98);
    if (selection !== 'span') {
      expect(pValue([shown.mask, shown.random, shown.keep], shares801010)).toBeGreaterThan(0.001);
    }
  },
);

test('spans: lengths of the geometric distribution cut off at 10, each shown in one way', () => {
  const lengths = new Array<number>(10).fill(0);
  const ways = { mask: 0, random: 0, keep: 0 };
  let mixed = 0;
  const { chosen } = survey({ rate: 0.15, selection: 'span' }, characters, ({ spans, inputIds }, ids) => {
    const [{ start, end }] = spans;
    lengths[end - start - 1]++;
    const masks = spans.filter((span) => inputIds[span.start] === 4);
    for (const span of masks) {
      for (let at = span.start; at < span.end; at++) if (inputIds[at] !== 4) mixed++;
    }
    if (end - start < 4) return;
    // Four random letters that all are the true ones are rarer than one in 400,000.
    const kept = inputIds.slice(start, end).every((id, i) => id === ids[start + i]);
    ways[inputIds[start] === 4 ? 'mask' : kept ? 'keep' : 'random']++;
  });
  expect(mixed).toBe(0);
  expect(chosen).toBe(rows * 19);
  const shares = truncatedGeometric(0.2, 10);
  expect(shares.reduce((sum, p, i) => sum + p * (i + 1), 0)).toBeCloseTo(3.797, 3);
  expect(pValue(lengths, shares)).toBeGreaterThan(0.001);
  expect(pValue([ways.mask, ways.random, ways.keep], [0.8, 0.1, 0.1])).toBeGreaterThan(0.001);
});

test('n-grams: n by the chance of 6, 3 and 2 in 11', () => {
  const lengths = [0, 0, 0];
  survey({ rate: 0.15, selection: 'ngram' }, characters, ({ spans }) => {
    lengths[spans[0].end - spans[0].start - 1]++;
  });
  expect(harmonic(3)).toEqual([6 / 11, 3 / 11, 2 / 11].map((p) => expect.closeTo(p, 12)));
  expect(pValue(lengths, harmonic(3))).toBeGreaterThan(0.001);
});

const objective = (name: string, options: object = {}) =>
  createObjective(parseOptions({ objective: name, ...options }), characters);
const keyOf = (index: number, quantile = 0.5) => ({ seed: 3, epoch: 2, index, quantile, progress: 0 });

function binomial(n: number, k: number): number {
  let value = 1;
  for (let i = 1; i <= k; i++) value *= (n - k + i) / i;
  return value;
}

test('T5: the first span and the stretch before it have the lengths of a random composition', () => {
  const { noise, spans } = noiseOf(ordinary, { rate: 0.15, mean: 3 });
  expect([noise, spans]).toEqual([19, 6]);
  const { train } = objective('t5');
  const first = new Array<number>(noise - spans + 1).fill(0);
  const before = new Array<number>(60).fill(0);
  let wrong = 0;
  texts.forEach((ids, index) => {
    const { inputIds, labels, prefix = 0 } = train.apply(ids, T, keyOf(index));
    const source = inputIds.subarray(1, prefix - 1);
    const target = Array.from(labels).slice(0, -1);
    if (source.length !== ordinary - noise + spans || target.length !== noise + spans) wrong++;
    if (target.some((id) => id < 5) || labels[labels.length - 1] !== 3) wrong++;
    const sentinels = target.flatMap((id, i) => (id >= characters.vocabSize ? [i] : []));
    if (sentinels.length !== spans) wrong++;
    first[sentinels[1] - sentinels[0] - 2]++;
    before[Math.min(59, source.indexOf(characters.vocabSize) - 1)]++;
  });
  expect(wrong).toBe(0);
  const composition = (total: number, parts: number, bins: number) => {
    const shares = Array.from(
      { length: bins },
      (_, i) => binomial(total - i - 2, parts - 2) / binomial(total - 1, parts - 1),
    );
    const last = 1 - shares.slice(0, -1).reduce((sum, p) => sum + p, 0);
    return [...shares.slice(0, -1), last];
  };
  expect(pValue(first, composition(noise, spans, first.length))).toBeGreaterThan(0.001);
  expect(pValue(before, composition(ordinary - noise, spans, before.length))).toBeGreaterThan(0.001);
});

test('BART: Poisson lengths, the share of hidden tokens, and one [MASK] for each span', () => {
  const { train } = objective('bart');
  let hidden = 0;
  let masks = 0;
  texts.forEach((ids, index) => {
    const { inputIds, prefix = 0 } = train.apply(ids, T, keyOf(index));
    const source = Array.from(inputIds.subarray(1, prefix - 1));
    const shown = source.filter((id) => id === 4).length;
    masks += shown;
    hidden += ordinary - (source.length - shown);
  });
  expect(hidden).toBe(rows * Math.round(0.3 * ordinary));
  // A renewal process with steps of Poisson(3): so many are needed to reach 38, zeros included.
  expect(masks / rows).toBeGreaterThan(12.9);
  expect(masks / rows).toBeLessThan(13.4);
});

test('diffusion: levels spread evenly, tokens hidden at their level, weights its inverse', () => {
  const { train, evaluation } = objective('diffusion');
  const hidden = [0, 0, 0, 0];
  let unbiased = 0;
  texts.forEach((ids, index) => {
    const quantile = (index + 0.5) / rows;
    const { positions, weights = [] } = train.apply(ids, T, keyOf(index, quantile));
    hidden[Math.floor(4 * quantile)] += positions.length;
    if (positions.length > 0) unbiased += (weights[0] * positions.length) / (rows * ordinary);
    const even = evaluation.apply(ids, T, keyOf(index, quantile));
    expect(even.positions.length).toBe(1 + Math.floor(quantile * ordinary));
    expect(even.weights?.[0]).toBeCloseTo(ordinary / even.positions.length, 4);
  });
  const shares = [1, 3, 5, 7].map((share) => share / 16);
  expect(pValue(hidden, shares)).toBeGreaterThan(0.001);
  expect(unbiased).toBeCloseTo(1, 2);
});

test('hybrid: the share of causal rows', () => {
  const { train } = objective('hybrid');
  let causal = 0;
  texts.forEach((ids, index) => {
    if (train.apply(ids, T, keyOf(index)).prefix === 0) causal++;
  });
  expect(pValue([causal, rows - causal], [1 / 16, 15 / 16])).toBeGreaterThan(0.001);
});

test('the rate goes linearly from one value to the other', () => {
  const { train } = objective('mlm', { maskRate: 0.4, maskRateEnd: 0.1 });
  const counts = [0, 0.25, 0.5, 1].map(
    (progress) => train.apply(texts[0], T, { ...keyOf(0), progress }).positions.length,
  );
  expect(counts).toEqual([0.4, 0.325, 0.25, 0.1].map((rate) => Math.round(rate * ordinary)));
  expect(train.places(T)).toBe(Math.round(0.4 * T));
});

test('equal seeds give equal masks on every machine', () => {
  const digest = new Digest();
  for (const selection of ['token', 'bernoulli', 'word', 'span', 'ngram'] as const) {
    texts.slice(0, 100).forEach((ids, index) => {
      const masked = maskRow(ids, T, pieces, { rate: 0.2, selection }, { seed: 11, epoch: 1, index });
      digest.add(masked.inputIds);
      digest.add(masked.positions);
    });
  }
  for (const name of ['mlm', 'causal', 'mntp', 'hybrid', 'diffusion', 't5', 'bart']) {
    const { train, evaluation } = objective(name);
    texts.slice(0, 50).forEach((ids, index) => {
      for (const corruption of [train, evaluation]) {
        const { inputIds, positions, labels } = corruption.apply(ids, T, keyOf(index, index / 50));
        for (const numbers of [inputIds, positions, labels]) digest.add(numbers);
      }
    });
  }
  expect(digest.value).toBe(1_006_624_464);
});
