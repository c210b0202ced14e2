import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { logSoftmax, softmax } from '../../../src/autograd/ops/softmax.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(7, 0);
const normal = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return engine.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    [...shape],
  );
};

test('exp(x) over the sum of the row', async () => {
  const y = await softmax(engine.tensor([[0, Math.log(3)]])).data();
  expect(y[0]).toBeCloseTo(0.25, 6);
  expect(y[1]).toBeCloseTo(0.75, 6);
});

test('a shift of the row changes nothing, however large the scores', async () => {
  const scores = Float32Array.from([1, 2, 3, 4, 5]);
  const y = await softmax(engine.tensor(scores)).data();
  const shifted = await softmax(engine.tensor(scores.map((x) => x + 16384))).data();
  expect([...shifted]).toEqual([...y]);
  expect([...y].reduce((a, b) => a + b)).toBeCloseTo(1, 6);
});

describe('gradients', () => {
  for (const [shape, axis] of [
    [[5], -1],
    [[3, 4, 8], -1],
    [[3, 4, 5], 1],
    [[6, 5], 0],
    [[2, 600], 1],
  ] as const) {
    test(`softmax and logSoftmax of [${shape}] along ${axis}`, async () => {
      await gradcheck(engine, (x) => softmax(x, axis), [normal(shape).requireGrad()]);
      await gradcheck(engine, (x) => logSoftmax(x, axis), [normal(shape).requireGrad()]);
    });
  }
});

test('an axis that is not there is refused by name', () => {
  expect(() => softmax(engine.zeros([2, 3]), 2)).toThrow(/softmax along axis 2 of \[2, 3\]/);
  expect(() => logSoftmax(engine.zeros([2, 3]), -3)).toThrow(/logSoftmax along axis -3/);
});
