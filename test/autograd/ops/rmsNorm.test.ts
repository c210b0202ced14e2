import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { rmsNorm } from '../../../src/autograd/ops/rmsNorm.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(9, 0);
const normal = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, () => random.normal());
  return engine.tensor(values, [...shape]).requireGrad();
};

test('rows come out with a mean square of 1, then the weight applies, and eps stands inside the root', async () => {
  // mean(x²) = (9 + 9 + 1 + 17) / 4 = 9 with eps 0, and 16 with eps 7.
  const x = engine.tensor([[3, -3, 1, Math.sqrt(17)]]);
  const want = [1, -1, 1 / 3, Math.sqrt(17) / 3];
  (await rmsNorm(x, undefined, 0).data()).forEach((value, i) => {
    expect(value).toBeCloseTo(want[i], 6);
  });
  const y = await rmsNorm(x, engine.tensor([4, 8, 12, 0]), 7).data();
  [3, -6, 3, 0].forEach((value, i) => {
    expect(y[i]).toBeCloseTo(value, 5);
  });
});

test.each([[[7]], [[3, 5, 12]], [[130, 4]], [[2, 600]]])('gradients of %j', async (shape) => {
  const columns = shape[shape.length - 1];
  const { errors } = await gradcheck(engine, (x, w) => rmsNorm(x, w), [normal(shape), normal([columns])]);
  expect(errors).toHaveLength(2);
});

test('gradients without a weight, or with a frozen one', async () => {
  await gradcheck(engine, (x) => rmsNorm(x), [normal([4, 9])]);
  const weight = engine.tensor(new Float32Array(9).fill(2));
  await gradcheck(engine, (x, w) => rmsNorm(x, w), [normal([4, 9]), weight]);
});

test('a weight that does not fit is refused by name', () => {
  expect(() => rmsNorm(engine.zeros([2, 4]), engine.zeros([3]))).toThrow(
    /rmsNorm of \[2, 4\] f32 with a weight of \[3\] f32/,
  );
});
