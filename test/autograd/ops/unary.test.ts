import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import {
  abs,
  affine,
  exp,
  gelu,
  log,
  neg,
  reciprocal,
  relu,
  sigmoid,
  sqrt,
  square,
  tanh,
} from '../../../src/autograd/ops/unary.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Away from 0, where abs and relu have a kink that differences would straddle. */
const anywhere = [-3.1, -1.2, -0.7, -0.4, 0.3, 0.5, 1.4, 2.2];
const positive = [0.6, 0.9, 1.2, 1.7, 2.5, 3.1, 4];

describe('gradients', () => {
  const everywhere: Record<string, (x: Tensor) => Tensor> = {
    abs,
    exp,
    neg,
    relu,
    sigmoid,
    square,
    tanh,
    gelu,
    geluTanh: (x) => gelu(x, { approximate: 'tanh' }),
    affine: (x) => affine(x, 2.5, -1),
  };
  for (const [name, op] of Object.entries(everywhere)) {
    test(name, () => gradcheck(engine, op, [engine.tensor(anywhere).requireGrad()]));
  }
  for (const [name, op] of Object.entries({ log, reciprocal, sqrt })) {
    test(name, () => gradcheck(engine, op, [engine.tensor(positive).requireGrad()]));
  }
});

/** Largest error relative to each value, in units of the last place of float32. */
async function ulps(op: (x: Tensor) => Tensor, inputs: number[], f: (x: number) => number): Promise<number> {
  const x = Float32Array.from(inputs);
  const got = await engine.scope(() => op(engine.tensor(x))).data();
  return Math.max(...x.map((value, i) => Math.abs(got[i] / f(value) - 1) * 2 ** 23));
}

test('tanh and GELU are exact to a few units in the last place near 0', async () => {
  const small = [1e-30, -1e-8, 1e-4, -3e-3, 0.07, 0.3, -0.499];
  expect(await ulps(tanh, small, Math.tanh)).toBeLessThan(8);
  expect(await ulps(gelu, [1e-30, -1e-8, 1e-4], (x) => x * (0.5 + x / Math.sqrt(2 * Math.PI)))).toBeLessThan(
    8,
  );
});

test('large arguments reach the limits of tanh, sigmoid and GELU without NaN', async () => {
  const x = engine.tensor([-3e38, -1e20, -1e4, -100, 100, 1e4, 1e20, 3e38]);
  const rows = [tanh(x), sigmoid(x), gelu(x), gelu(x, { approximate: 'tanh' })];
  const [t, s, g, a] = await Promise.all(rows.map(async (row) => [...(await row.data())].map((v) => v + 0)));
  const large = [...(await x.data())].slice(4);
  expect(t).toEqual([-1, -1, -1, -1, 1, 1, 1, 1]);
  expect(s.slice(4)).toEqual([1, 1, 1, 1]);
  for (const value of [...s.slice(0, 4), ...g.slice(0, 4), ...a.slice(0, 4)])
    expect(Math.abs(value)).toBeLessThan(1e-35);
  expect(g.slice(4)).toEqual(large);
  expect(a.slice(4)).toEqual(large);
});

test('GELU keeps its relative precision far down the lower tail', async () => {
  // x Φ(x) at −3, −5 and −8 from the tail's continued fraction, Abramowitz and Stegun 26.2.14.
  const tail = (x: number) => {
    let fraction = -x;
    for (let k = 200; k > 0; k--) fraction = -x + k / fraction;
    return (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI) / fraction;
  };
  expect(await ulps(gelu, [-3, -5, -8], tail)).toBeLessThan(64);
});

test('other element types are refused', () => {
  expect(() => tanh(engine.tensor(Uint32Array.of(1)))).toThrow(
    'tanh takes f32 or f16, and one operand is [1] u32',
  );
});
