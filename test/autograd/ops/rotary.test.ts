import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, gradcheck, indices, rotary } from '../../../src/autograd/index.ts';
import { Random, rotaryTable } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(11, 0);
const normal = (shape: readonly number[]) =>
  engine.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal()),
    shape,
  );

test('turns the pair (j, j + depth/2) by position · base^(−2j/depth)', async () => {
  const table = engine.tensor(rotaryTable(3, 4, 100), [3, 4]);
  const y = await rotary(engine.tensor([[1, 1, 0, 0]]), indices(engine, Uint32Array.of(2)), table).data();
  const expected = [Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)];
  expected.forEach((value, i) => {
    expect(y[i]).toBeCloseTo(value, 6);
  });
});

test('the product of two turned vectors depends on their distance alone', async () => {
  const table = engine.tensor(rotaryTable(500, 16, 10000), [500, 16]);
  const [q, k] = [normal([1, 16]), normal([1, 16])];
  const product = async (m: number, n: number) => {
    const [a, b] = await Promise.all([
      rotary(q, indices(engine, Uint32Array.of(m)), table).data(),
      rotary(k, indices(engine, Uint32Array.of(n)), table).data(),
    ]);
    return Array.from(a, (x, i) => x * b[i]).reduce((sum, term) => sum + term);
  };
  const [near, far] = [await product(3, 1), await product(420, 418)];
  expect(far).toBeCloseTo(near, 4);
  expect(Math.abs((await product(3, 2)) - near)).toBeGreaterThan(0.01);
});

test('gradient, heads of even widths', async () => {
  for (const [heads, depth] of [
    [3, 2],
    [2, 6],
    [2, 8],
  ]) {
    const positions = indices(engine, Uint32Array.of(0, 4, 2, 1, 3));
    const table = engine.tensor(rotaryTable(5, depth, 50), [5, depth]);
    await gradcheck(engine, (x) => rotary(x, positions, table), [normal([5, heads * depth]).requireGrad()]);
  }
});

test('refuses what does not fit, by name', () => {
  const table = engine.tensor(rotaryTable(4, 6, 100), [4, 6]);
  const positions = indices(engine, Uint32Array.of(0, 1));
  expect(() => rotary(engine.zeros([2, 8]), positions, table)).toThrow(/rotary of \[2, 8\]/);
  expect(() => rotary(engine.zeros([3, 6]), positions, table)).toThrow(/with 2 positions/);
  expect(() => rotary(engine.zeros([1, 6]), indices(engine, Uint32Array.of(4)), table)).toThrow(
    /id 4 at position 0/,
  );
});
