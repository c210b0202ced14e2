import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, gradcheck } from '../../../src/autograd/index.ts';
import { dropout } from '../../../src/autograd/ops/dropout.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const masks = async (p: number, seed: number, step: number, layer: number, count = 40_000) => {
  const state = engine.tensor(Uint32Array.of(seed, step));
  return [...(await dropout(engine.full([count], 1), p, { state, layer }).data())];
};

test('drops the asked share, scales the rest, and keeps the mean', async () => {
  for (const p of [0.1, 0.5]) {
    const y = await masks(p, 0, 1, 0);
    const dropped = y.filter((value) => value === 0).length / y.length;
    // Four standard deviations of a binomial share.
    expect(Math.abs(dropped - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / y.length));
    expect(new Set(y)).toEqual(new Set([0, Math.fround(1 / (1 - p))]));
  }
});

test('seed, step and layer each change the mask; nothing else does', async () => {
  const base = await masks(0.5, 1, 2, 3);
  expect(await masks(0.5, 1, 2, 3)).toEqual(base);
  for (const other of [await masks(0.5, 2, 2, 3), await masks(0.5, 1, 3, 3), await masks(0.5, 1, 2, 4)]) {
    const equal = other.filter((value, i) => value === base[i]).length / base.length;
    expect(Math.abs(equal - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / base.length));
  }
});

test('neighbours are dropped independently', async () => {
  const y = await masks(0.5, 7, 1, 0);
  for (const distance of [1, 2, 3, 4, 64]) {
    const equal = y.slice(distance).filter((value, i) => value === y[i]).length / (y.length - distance);
    expect(Math.abs(equal - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / y.length));
  }
});

test('backward draws the mask of forward', async () => {
  const state = engine.tensor(Uint32Array.of(9, 9));
  const x = engine.full([1001], 1).requireGrad();
  const y = dropout(x, 0.3, { state, layer: 1 });
  backward(y, engine.full([1001], 1));
  expect(await x.grad?.data()).toEqual(await y.data());
  await gradcheck(engine, (input) => dropout(input, 0.3, { state, layer: 1 }), [
    engine.full([10], 1).requireGrad(),
  ]);
});

test('p = 0 returns the tensor itself, other p are refused', () => {
  const state = engine.tensor(Uint32Array.of(0, 0));
  const x = engine.zeros([3]);
  expect(dropout(x, 0, { state, layer: 0 })).toBe(x);
  expect(() => dropout(x, 1, { state, layer: 0 })).toThrow('dropout of 1: p is at least 0 and less than 1');
  expect(() => dropout(x, 0.1, { state: x, layer: 0 })).toThrow('dropout needs a state of [2] u32');
});
