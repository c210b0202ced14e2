import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { max, mean, sum } from '../../../src/autograd/ops/reduce.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Distinct values, so that a small step moves no maximum. */
const values = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, axis) => product * axis, 1);
  const order = new Random(4, 0).shuffle(Float32Array.from({ length: size }, (_, i) => i));
  return engine
    .tensor(
      order.map((rank) => rank - size / 2),
      shape,
    )
    .requireGrad();
};

const axes = [undefined, 0, 1, -1, [0, 2], [1, 2], [0, 1, 2], [-3, -1]];

describe.each(Object.entries({ sum, mean, max }))('%s', (_, op) => {
  test.each(axes.map((axis) => [axis]))('gradient over %s', async (axis) => {
    await gradcheck(engine, (x) => op(x, { axis }), [values([3, 4, 5])]);
    await gradcheck(engine, (x) => op(x, { axis, keepdim: true }), [values([3, 4, 5])]);
  });
});

test('shapes and values', async () => {
  const x = engine.tensor([
    [1, 5, 3],
    [4, 2, 6],
  ]);
  expect([...(await sum(x, { axis: 0 }).data())]).toEqual([5, 7, 9]);
  expect([...(await max(x, { axis: 1 }).data())]).toEqual([5, 6]);
  expect(await mean(x).item()).toBe(3.5);
  expect(sum(x).shape).toEqual([]);
  expect(max(x, { axis: 1, keepdim: true }).shape).toEqual([2, 1]);
  expect(mean(x, { keepdim: true }).shape).toEqual([1, 1]);
});

test('a long sum goes through two stages and loses nothing', async () => {
  const x = engine.tensor(Float32Array.from({ length: 100_003 }, (_, i) => (i % 7) - 3));
  expect(await sum(x).item()).toBe(
    [0, 1, 2, 3, 4, 5, 6].slice(0, 100_003 % 7).reduce((t, i) => t + i - 3, 0),
  );
  const rows = engine.tensor(new Float32Array(3000 * 8).fill(1), [3000, 8]);
  expect([...(await sum(rows, { axis: 0 }).data())]).toEqual(Array(8).fill(3000));
});

test('the gradient of a maximum goes to the first of equals', async () => {
  const x = engine
    .tensor([
      [2, 7, 7],
      [1, 1, 0],
    ])
    .requireGrad();
  backward(sum(max(x, { axis: -1 })));
  expect([...((await x.grad?.data()) ?? [])]).toEqual([0, 1, 0, 1, 0, 0]);
});

test('axes that are not there are refused', () => {
  const x = engine.zeros([2, 3]);
  expect(() => sum(x, { axis: 2 })).toThrow('sum has no axis 2 in [2, 3]');
  expect(() => mean(x, { axis: [0, -2] })).toThrow('mean names an axis of [2, 3] twice: 0, -2');
  expect(() => max(engine.zeros([0, 2]), { axis: 0 })).toThrow('max of no elements');
});
