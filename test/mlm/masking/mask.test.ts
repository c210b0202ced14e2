import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/kernels/random.ts';
import {
  checkMasking,
  type MaskingOptions,
  maskRow,
  maxSelected,
  pureMask,
} from '../../../src/mlm/masking/index.ts';
import { characterTokenizer } from '../vocabulary.ts';

const vocabulary = characterTokenizer('abcdefghijklmnopqrst');
const ordinary = vocabulary.vocabSize - vocabulary.specialIds.size;
const T = 66;

function row(index: number): Uint32Array {
  const random = new Random(99, 0, index);
  const ids = Uint32Array.from({ length: T }, () => 5 + random.below(ordinary));
  ids[0] = vocabulary.special.cls;
  ids[T - 1] = vocabulary.special.sep;
  ids[20] = vocabulary.special.unk;
  return ids;
}

/** Pearson's statistic of observed counts against expected shares. */
function chiSquare(observed: readonly number[], shares: readonly number[]): number {
  const total = observed.reduce((sum, count) => sum + count, 0);
  return observed.reduce((sum, count, i) => sum + (count - total * shares[i]) ** 2 / (total * shares[i]), 0);
}

/** What happens to `rows` rows: shares of replacements, of positions, of random tokens. */
function survey(options: MaskingOptions, rows: number, seed: number) {
  const shown = { mask: 0, keep: 0, random: 0 };
  const places = new Array<number>(T).fill(0);
  const drawn = new Array<number>(ordinary).fill(0);
  let chosen = 0;
  let specials = 0;
  for (let index = 0; index < rows; index++) {
    const ids = row(index);
    const masked = maskRow(ids, T, vocabulary, options, { seed, epoch: 0, index });
    chosen += masked.positions.length;
    masked.positions.forEach((position, i) => {
      places[position]++;
      const input = masked.inputIds[position];
      if (vocabulary.specialIds.has(masked.labels[i])) specials++;
      if (input === vocabulary.special.mask) shown.mask++;
      else if (vocabulary.specialIds.has(input)) specials++;
      else if (input === masked.labels[i]) shown.keep++;
      else {
        shown.random++;
        drawn[input - 5]++;
      }
    });
    const others = ids.every((id, at) => masked.inputIds[at] === id || masked.positions.includes(at));
    expect(others).toBe(true);
  }
  return { shown, places, drawn, chosen, specials };
}

describe('maskRow', () => {
  const rows = 4000; // 252,000 ordinary positions

  test('a fixed number is chosen in every row', () => {
    for (const rate of [0.001, 0.15, 0.3, 1]) {
      const masked = maskRow(row(1), T, vocabulary, { rate }, { seed: 1, epoch: 0, index: 1 });
      expect(masked.positions).toHaveLength(Math.max(1, Math.round(rate * 63)));
      expect(masked.positions.length).toBeLessThanOrEqual(maxSelected(T, { rate }));
      expect([...masked.positions]).toEqual([...new Set(masked.positions)].sort((a, b) => a - b));
    }
  });

  test.each([0, 1])(
    'seed %i: 80/10/10, every position and every random token alike, no special ones',
    (seed) => {
      const { shown, places, drawn, chosen, specials } = survey({ rate: 0.15 }, rows, seed);
      expect(specials).toBe(0);
      expect(chosen).toBe(rows * Math.round(0.15 * 63));
      // A random token is the true one with probability 1 / ordinary and then counts as kept.
      const same = 0.1 / ordinary;
      const replacement = chiSquare([shown.mask, shown.keep, shown.random], [0.8, 0.1 + same, 0.1 - same]);
      expect(replacement).toBeLessThan(13.8); // p = 0.001 at 2 degrees of freedom
      expect([places[0], places[20], places[T - 1]]).toEqual([0, 0, 0]);
      const open = places.filter((_, position) => ![0, 20, T - 1].includes(position));
      expect(chiSquare(open, new Array(63).fill(1 / 63))).toBeLessThan(103.4); // p = 0.001 at 62
      expect(chiSquare(drawn, new Array(ordinary).fill(1 / ordinary))).toBeLessThan(43.8); // p = 0.001 at 19
    },
  );

  test('Bernoulli masks choose each position independently', () => {
    const options = { rate: 0.15, selection: 'bernoulli', replace: pureMask } as const;
    const { shown, chosen, specials } = survey(options, rows, 0);
    const n = rows * 63;
    expect(specials).toBe(0);
    expect(shown).toEqual({ mask: chosen, keep: 0, random: 0 });
    expect(chiSquare([chosen, n - chosen], [0.15, 0.85])).toBeLessThan(10.8); // p = 0.001 at 1
    const counts = Array.from(
      { length: rows },
      (_, index) =>
        maskRow(row(index), T, vocabulary, options, { seed: 0, epoch: 0, index }).positions.length,
    );
    const mean = chosen / rows;
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (rows - 1);
    expect(variance / (63 * 0.15 * 0.85)).toBeGreaterThan(0.9);
    expect(variance / (63 * 0.15 * 0.85)).toBeLessThan(1.1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(maxSelected(T, options));
  });

  test('a mask is a function of seed, epoch and index, and of each of them', () => {
    const mask = (seed: number, epoch: number, index: number) =>
      maskRow(row(3), T, vocabulary, { rate: 0.3 }, { seed, epoch, index });
    expect(mask(0, 0, 3)).toEqual(mask(0, 0, 3));
    const all = [mask(0, 0, 3), mask(1, 0, 3), mask(0, 1, 3), mask(0, 0, 4), mask(1, 1, 4)];
    expect(new Set(all.map(({ positions }) => positions.join())).size).toBe(all.length);
  });

  test('a row of special tokens only has nothing to predict', () => {
    const masked = maskRow(
      Uint32Array.of(2, 1, 3),
      3,
      vocabulary,
      { rate: 0.5 },
      { seed: 0, epoch: 0, index: 0 },
    );
    expect(masked.positions).toHaveLength(0);
    expect([...masked.inputIds]).toEqual([2, 1, 3]);
  });
});

describe('checkMasking', () => {
  test('says what is wrong', () => {
    expect(() => checkMasking({ rate: 0 }, vocabulary)).toThrow('The mask rate is 0');
    expect(() => checkMasking({ rate: Number.NaN }, vocabulary)).toThrow('The mask rate is NaN');
    const replace = { mask: 0.8, random: 0.1, keep: 0.2 };
    expect(() => checkMasking({ rate: 0.1, replace }, vocabulary)).toThrow('add up to 1');
    const special = { ...vocabulary.special, mask: -1 };
    expect(() => checkMasking({ rate: 0.1 }, { ...vocabulary, special })).toThrow('has no [MASK] token');
    expect(() => checkMasking({ rate: 0.1 }, characterTokenizer(''))).toThrow('has special tokens only');
  });
});
