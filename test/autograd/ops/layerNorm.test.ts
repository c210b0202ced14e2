import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { layerNorm } from '../../../src/autograd/ops/layerNorm.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(8, 0);
const normal = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return engine
    .tensor(
      Float32Array.from({ length: size }, () => random.normal()),
      [...shape],
    )
    .requireGrad();
};

test('rows come out with mean 0 and variance 1, then weight and bias apply', async () => {
  const x = engine.tensor([[101, 103]]);
  expect([...(await layerNorm(x, undefined, undefined, 0).data())]).toEqual([-1, 1]);
  const y = layerNorm(x, engine.tensor([2, 3]), engine.tensor([10, 20]), 0);
  expect([...(await y.data())]).toEqual([8, 23]);
});

test('a common shift and a common factor of a row change nothing', async () => {
  const x = Float32Array.from({ length: 48 }, () => Math.round(64 * random.normal()) / 64);
  const plain = await layerNorm(engine.tensor(x), undefined, undefined, 0).data();
  const moved = await layerNorm(
    engine.tensor(x.map((value) => 4 * value + 1024)),
    undefined,
    undefined,
    0,
  ).data();
  for (let i = 0; i < x.length; i++) expect(moved[i]).toBeCloseTo(plain[i], 5);
});

describe('gradients', () => {
  for (const shape of [[7], [3, 5, 12], [130, 4], [2, 600]] as const) {
    const columns = shape[shape.length - 1];
    test(`of [${shape}] with weight and bias`, async () => {
      const inputs = [normal(shape), normal([columns]), normal([columns])];
      const { errors } = await gradcheck(engine, (x, w, b) => layerNorm(x, w, b), inputs);
      expect(errors).toHaveLength(3);
    });
  }

  test('with either parameter absent, or frozen', async () => {
    await gradcheck(engine, (x) => layerNorm(x), [normal([4, 9])]);
    await gradcheck(engine, (x, b) => layerNorm(x, undefined, b), [normal([4, 9]), normal([9])]);
    await gradcheck(engine, (x, w) => layerNorm(x, w), [normal([4, 9]), normal([9])]);
    const weight = engine.tensor(new Float32Array(9).fill(2));
    await gradcheck(engine, (x, w, b) => layerNorm(x, w, b), [normal([4, 9]), weight, normal([9])]);
  });
});

test('a parameter that does not fit is refused by name', () => {
  const x = engine.zeros([2, 4]);
  expect(() => layerNorm(x, engine.zeros([3]))).toThrow(
    /layerNorm of \[2, 4\] f32 with a weight of \[3\] f32/,
  );
  expect(() => layerNorm(x, undefined, engine.zeros([4, 1]))).toThrow(/a bias of \[4, 1\]/);
});
