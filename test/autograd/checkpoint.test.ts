import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  backward,
  checkpoint,
  dropout,
  Engine,
  gradcheck,
  linear,
  mul,
  sum,
  type Tensor,
  tanh,
} from '../../src/autograd/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const values = (count: number, factor = 1) =>
  Float32Array.from({ length: count }, (_, i) => factor * Math.sin(i + 1));

/** Three parts of a network, each with a weight and dropout, and the gradients of a loss. */
async function train(recompute: boolean, rows = 64) {
  const width = 32;
  const weights = [0, 1, 2].map((i) =>
    engine.tensor(values(width * width, 0.1 + 0.05 * i), [width, width]).requireGrad(),
  );
  const x = engine.tensor(values(rows * width), [rows, width]).requireGrad();
  const part = (weight: Tensor, layer: number) => (x: Tensor) =>
    add(x, dropout(tanh(linear(mul(x, x), weight)), 0.2, { layer, state: engine.randomState }));
  engine.seed(3, 4);
  const before = engine.memory().live;
  let held = 0;
  engine.scope(() => {
    let y = x;
    weights.forEach((weight, layer) => {
      y = engine.scope(() => (recompute ? checkpoint(part(weight, layer), y) : part(weight, layer)(y)));
    });
    held = engine.memory().live - before;
    backward(sum(mul(y, y)));
  });
  const gradients = await Promise.all([x, ...weights].map((tensor) => (tensor.grad as Tensor).data()));
  for (const tensor of [x, ...weights]) {
    tensor.grad?.dispose();
    tensor.dispose();
  }
  expect(engine.tape.length).toBe(0);
  expect(engine.memory().live).toBeLessThanOrEqual(before);
  return { gradients, held };
}

describe('a checkpointed part', () => {
  test('has the same gradients bit for bit, dropout included, and holds less', async () => {
    const kept = await train(false);
    const recomputed = await train(true);
    expect(recomputed.gradients).toEqual(kept.gradients);
    expect(recomputed.held).toBeLessThan(0.6 * kept.held);
  });

  test('has the gradient of finite differences, nested or not', async () => {
    const weight = engine.tensor(values(12, 0.5), [4, 3]);
    const inner = (x: Tensor) => tanh(linear(x, weight));
    const x = engine.tensor(values(6), [2, 3]).requireGrad();
    const outer = (x: Tensor) => mul(checkpoint(inner, mul(x, x)), engine.tensor(values(8), [2, 4]));
    await gradcheck(engine, (x) => sum(checkpoint(outer, x)), [x]);
    weight.dispose();
    x.dispose();
  });

  test('gives gradients to its weights where its input wants none', async () => {
    const weight = engine.tensor(values(4), [2, 2]).requireGrad();
    const x = engine.tensor(values(2), [1, 2]);
    engine.scope(() => backward(sum(checkpoint((x) => linear(x, weight), x))));
    const [a, b] = values(2);
    expect(await weight.grad?.data()).toEqual(Float32Array.of(a, b, a, b));
    weight.grad?.dispose();
    weight.dispose();
    x.dispose();
  });

  test('is only computed where nothing wants a gradient', () => {
    const x = engine.tensor(values(4), [2, 2]);
    engine.scope(() => {
      expect(checkpoint((x) => mul(x, x), x).requiresGrad).toBe(false);
      expect(engine.tape.length).toBe(0);
    });
    x.dispose();
  });
});
