import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernels/random.ts';
import { longestSegment, mostParts, partOfRow, segmentIndex } from '../../src/kernels/segments.ts';

describe('segmentIndex', () => {
  test('groups positions by id, in order, and pads with empty segments past the table', () => {
    const index = segmentIndex(Uint32Array.of(7, 2, 7, 0, 2, 7), 9);
    expect(index.count).toBe(3);
    expect([...index.rows]).toEqual([0, 2, 7, 9, 9, 9]);
    expect([...index.offsets]).toEqual([0, 1, 3, 6, 6, 6, 6]);
    expect([...index.order]).toEqual([3, 1, 4, 0, 2, 5]);
  });

  test('cuts what is long, and lets it come first', () => {
    const ids = Uint32Array.from({ length: 200 }, (_, i) => (i < 130 ? 5 : i < 140 ? 2 : 9));
    const { rows, offsets, count } = segmentIndex(ids, 10);
    const long = (row: number) => (row | partOfRow) >>> 0;
    expect(count).toBe(5);
    expect([...rows.subarray(0, 6)]).toEqual([long(5), long(5), long(5), 2, 9, 10]);
    expect([...offsets.subarray(0, 6)]).toEqual([0, 64, 128, 130, 140, 200]);
  });

  test('sums per segment are the scattered sums, for one id, many ids and all distinct ids', () => {
    const random = new Random(0);
    for (const [n, vocab] of [
      [1, 1],
      [257, 1],
      [257, 11],
      [64, 1],
      [65, 1],
      [2000, 13],
      [300, 30_522],
    ]) {
      const ids = Uint32Array.from({ length: n }, () => random.below(vocab));
      const values = Float64Array.from({ length: n }, () => random.below(1000));
      const scattered = new Float64Array(vocab);
      ids.forEach((id, position) => {
        scattered[id] += values[position];
      });
      const { rows, offsets, order, count } = segmentIndex(ids, vocab);
      const gathered = new Float64Array(vocab);
      for (let s = 0; s < n; s++) {
        const positions = order.subarray(offsets[s], offsets[s + 1]);
        const row = (rows[s] & ~partOfRow) >>> 0;
        if (s < count) gathered[row] += positions.reduce((sum, position) => sum + values[position], 0);
        else expect(positions).toHaveLength(0);
        expect(positions.length).toBeLessThanOrEqual(longestSegment);
        expect([...positions]).toEqual([...positions].sort((a, b) => a - b));
      }
      expect(gathered).toEqual(scattered);
      const parts = rows.findIndex((row) => row < partOfRow);
      expect(parts < 0 ? n : parts).toBeLessThanOrEqual(mostParts(n));
      expect(rows.subarray(Math.max(0, parts)).every((row) => row < partOfRow)).toBe(parts >= 0);
      expect(new Set(rows.subarray(0, count)).size).toBe(new Set(ids).size);
    }
  });

  test('no ids at all, and an id outside the table', () => {
    expect(segmentIndex(new Uint32Array(0), 5)).toEqual({
      rows: new Uint32Array(0),
      offsets: Uint32Array.of(0),
      order: new Uint32Array(0),
      count: 0,
    });
    expect(() => segmentIndex(Uint32Array.of(5), 5)).toThrow('id 5 is not below 5');
  });
});
