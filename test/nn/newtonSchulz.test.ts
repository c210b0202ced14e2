import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { Random, tolerance } from '../../src/kernels/index.ts';
import { newtonSchulz } from '../../src/nn/newtonSchulz.ts';
import { matrix, newtonSchulz64, singularValues } from './newtonSchulz64.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Some matrices of normal numbers with zeros between them, and each orthogonalised. */
async function orthogonalize(rows: number, columns: number, scale = 1) {
  const count = 3;
  const stride = 64 * Math.ceil((rows * columns) / 64);
  const random = new Random(rows, columns);
  const x = new Float32Array(count * stride).map((_, i) =>
    i % stride < rows * columns ? scale * random.normal() : 0,
  );
  const y = await engine.scope(() => newtonSchulz(engine.tensor(x), { count, rows, columns, stride })).data();
  return Array.from({ length: count }, (_, i) => {
    const of = (values: ArrayLike<number>) =>
      matrix(Array.prototype.slice.call(values, i * stride, i * stride + rows * columns), columns);
    return { before: of(x), after: of(y), gap: y.subarray(i * stride + rows * columns, (i + 1) * stride) };
  });
}

describe.each([
  [1, 1],
  [1, 7],
  [7, 1],
  [8, 8],
  [5, 13],
  [13, 5],
  [64, 64],
  [65, 67],
  [48, 100],
])('matrices of %d × %d', (rows, columns) => {
  test('are what the iteration in float64 makes of them', async () => {
    const limit = tolerance('f32', Math.max(rows, columns));
    for (const { before, after, gap } of await orthogonalize(rows, columns)) {
      const want = newtonSchulz64(before);
      after.forEach((row, i) => {
        row.forEach((value, j) => {
          expect(Math.abs(value - want[i][j])).toBeLessThan(limit);
        });
      });
      expect(gap.every((value) => value === 0)).toBe(true);
    }
  });
});

test.each([
  [24, 60],
  [60, 24],
  [1, 9],
])('singular values of %d × %d come near to 1, however large they were', async (rows, columns) => {
  for (const scale of [1e-4, 1, 1e4]) {
    for (const { before, after } of await orthogonalize(rows, columns, scale)) {
      const [had, has] = [singularValues(before), singularValues(after)];
      if (rows > 1 && columns > 1) expect(Math.max(...had) / Math.min(...had)).toBeGreaterThan(3);
      expect(Math.min(...has)).toBeGreaterThan(0.67);
      expect(Math.max(...has)).toBeLessThan(1.21);
    }
  }
});

test('a matrix of zeros stays one', async () => {
  for (const { after } of await orthogonalize(6, 10, 0)) {
    expect(after.flat().every((value) => value === 0)).toBe(true);
  }
});
