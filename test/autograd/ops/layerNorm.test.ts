import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  backward,
  dropout,
  Engine,
  gradcheck,
  mul,
  sum,
  type Tensor,
} from '../../../src/autograd/index.ts';
import { layerNorm, residualLayerNorm } from '../../../src/autograd/ops/layerNorm.ts';
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

/** Σ a · b. */
const mulSum = (a: Tensor, b: Tensor): Tensor => sum(mul(a, b));

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

describe('a residual sum', () => {
  const norm = (columns: number) => ({ weight: normal([columns]), bias: normal([columns]) });
  const masks = (p: number) => ({ p, layer: 3, state: engine.tensor(Uint32Array.of(5, 6)) });

  for (const shape of [[7], [3, 5, 12], [70, 6], [2, 600]] as const) {
    for (const p of [0, 0.4]) {
      test(`of [${shape}] with dropout ${p} is that of the kernels one after the other`, async () => {
        const columns = shape[shape.length - 1];
        const { weight, bias } = norm(columns);
        const [x, residual] = [normal(shape), normal(shape)];
        const use = masks(p);
        const gradients = [normal(shape), normal(shape)];
        const outcome = async (forward: () => { y: Tensor; sum: Tensor }) => {
          const inputs = [x, residual, weight, bias];
          for (const input of inputs) input.grad = undefined;
          const { y, sum } = forward();
          // Σ of both results with weights: a loss that reaches back through each of them.
          const loss = add(mulSum(y, gradients[0]), mulSum(sum, gradients[1]));
          backward(loss);
          const tensors = [y, sum, ...inputs.map((input) => input.grad as Tensor)];
          return Promise.all(tensors.map((tensor) => tensor.data()));
        };
        const fused = await outcome(() => residualLayerNorm(x, residual, { weight, bias, dropout: use }));
        const composed = await outcome(() => {
          const sum = add(residual, dropout(x, p, use));
          return { y: layerNorm(sum, weight, bias), sum };
        });
        fused.forEach((values, i) => {
          const size = Math.max(...composed[i].map(Math.abs));
          values.forEach((value, k) => {
            expect(Math.abs(value - composed[i][k])).toBeLessThan(4e-6 * size);
          });
        });
        // What is dropped is dropped exactly, and nothing else is.
        const dropped = (values: ArrayLike<number>) => Array.from(values, (value) => value === 0);
        expect(dropped(fused[2])).toEqual(dropped(composed[2]));
      });
    }
  }

  test('has the gradients that differences show, through either result', async () => {
    const { weight, bias } = norm(12);
    const inputs = [normal([9, 12]), normal([9, 12]), weight, bias];
    for (const use of [undefined, masks(0.3)]) {
      const body = (x: Tensor, r: Tensor, weight: Tensor, bias: Tensor) =>
        residualLayerNorm(x, r, { weight, bias, dropout: use });
      await gradcheck(engine, (x, r, w, b) => body(x, r, w, b).y, inputs);
      await gradcheck(engine, (x, r, w, b) => body(x, r, w, b).sum, inputs);
      await gradcheck(engine, (x, r, w, b) => add(body(x, r, w, b).y, body(x, r, w, b).sum), inputs);
    }
    await gradcheck(engine, (x, r) => residualLayerNorm(x, r).y, inputs.slice(0, 2));
  });

  test('that does not fit is refused by name', () => {
    expect(() => residualLayerNorm(engine.zeros([2, 4]), engine.zeros([4]))).toThrow(
      /residualLayerNorm of \[2, 4\] f32 with a residual of \[4\] f32/,
    );
  });
});
