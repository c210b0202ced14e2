import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernels/index.ts';

describe('Random', () => {
  test.each([2, 63, 64])('below(%i) is uniform from one substream to the next, draw by draw', (n) => {
    const rows = 20_000;
    // Wilson and Hilferty (1931): the cube root of χ²/df is nearly normal; 4 is p = 3e-5.
    const df = n - 1;
    const limit = df * (1 - 2 / (9 * df) + 4 * Math.sqrt(2 / (9 * df))) ** 3;
    for (const seed of [0, 1]) {
      const counts = Array.from({ length: 6 }, () => new Array<number>(n).fill(0));
      for (let index = 0; index < rows; index++) {
        const random = new Random(seed, 7, index);
        for (const count of counts) count[random.below(n)]++;
      }
      for (const count of counts) {
        const expected = rows / n;
        expect(count.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0)).toBeLessThan(limit);
      }
    }
  });

  test('covers the whole range of 32 bits', () => {
    const random = new Random(0);
    const high = Array.from({ length: 100 }, () => random.below(2 ** 32));
    expect(Math.max(...high)).toBeGreaterThan(2 ** 31);
    expect(random.below(1)).toBe(0);
  });

  test('a saved state goes on where it stopped, in the middle of a block too', () => {
    for (const drawn of [0, 1, 3, 4, 6]) {
      const random = new Random(0, 1, 2);
      for (let i = 0; i < drawn; i++) random.uint32();
      const copy = Random.fromState(JSON.parse(JSON.stringify(random.state)));
      const draws = (from: Random) => Array.from({ length: 9 }, () => from.uint32());
      expect(draws(copy)).toEqual(draws(random));
    }
  });

  test('seed, stream and substream each make another stream, seed 0 included', () => {
    const first = ([seed, stream, substream]: number[]) => new Random(seed, stream, substream).uint32();
    const keys = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ];
    expect(new Set(keys.map(first)).size).toBe(4);
  });
});
