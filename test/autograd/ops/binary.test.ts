import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { add, div, mul, sub } from '../../../src/autograd/ops/binary.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(3, 0);
/** Between 1 and 2, so that quotients are tame. */
const values = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return engine
    .tensor(
      Float32Array.from({ length: size }, () => 1 + random.uniform()),
      shape,
    )
    .requireGrad();
};

const shapes: [readonly number[], readonly number[]][] = [
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], []],
  [[5, 8], [8]],
  [
    [5, 1],
    [1, 3],
  ],
  [
    [2, 3, 1, 4],
    [3, 5, 1],
  ],
  [
    [2, 1, 3, 1, 2, 4],
    [1, 5, 1, 2, 1, 4],
  ],
];

describe.each(Object.entries({ add, sub, mul, div }))('%s', (_, op) => {
  test.each(shapes)('gradients of [%s] and [%s]', async (a, b) => {
    await gradcheck(engine, op, [values(a), values(b)]);
  });

  test('with a number', () => gradcheck(engine, (x) => op(x, 3), [values([7])]));
});

test('values', async () => {
  const [a, b] = [engine.tensor([[1], [2]]), engine.tensor([4, 8])];
  const all = [add(a, b), sub(a, b), mul(a, b), div(a, b), div(b, 4)];
  expect(await Promise.all(all.map(async (y) => [...(await y.data())]))).toEqual([
    [5, 9, 6, 10],
    [-3, -7, -2, -6],
    [4, 8, 8, 16],
    [0.25, 0.125, 0.5, 0.25],
    [1, 2],
  ]);
  expect(add(a, b).shape).toEqual([2, 2]);
});

test('an operand used twice receives both gradients', () =>
  gradcheck(engine, (x) => mul(x, x), [values([6])]));

test('shapes that do not broadcast are refused by name', () => {
  expect(() => add(values([2, 3]), values([2]))).toThrow(
    'add cannot broadcast [2, 3] and [2]: 3 and 2 differ',
  );
  const apart = [values([2, 1, 2, 1, 2, 1, 2]), values([1, 2, 1, 2, 1, 2, 1])] as const;
  expect(() => add(...apart)).toThrow('axes are too many');
});
