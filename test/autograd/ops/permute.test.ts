import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { cat, expand, narrow, permute, transpose } from '../../../src/autograd/ops/permute.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const counting = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return engine
    .tensor(
      Float32Array.from({ length: size }, (_, i) => i),
      shape,
    )
    .requireGrad();
};

describe('gradients', () => {
  const cases: [string, readonly number[], (x: Tensor) => Tensor][] = [
    ['permute heads', [2, 3, 4, 8], (x) => permute(x, [0, 2, 1, 3])],
    ['permute blocks', [2, 8, 3, 4], (x) => permute(x, [0, 2, 3, 1])],
    ['transpose', [5, 7], (x) => transpose(x)],
    ['transpose two axes', [2, 3, 4], (x) => transpose(x, 0, -1)],
    ['narrow rows', [6, 4], (x) => narrow(x, 0, 2, 3)],
    ['narrow columns', [3, 7], (x) => narrow(x, -1, 1, 5)],
    ['expand', [3, 1], (x) => expand(x, [2, 3, 4])],
  ];
  for (const [name, shape, op] of cases) test(name, () => gradcheck(engine, op, [counting(shape)]));
  test('cat', () => gradcheck(engine, (a, b) => cat([a, b], 1), [counting([2, 3]), counting([2, 4])]));
});

test('permuting back gives the same elements', async () => {
  const x = counting([2, 3, 2, 2, 3, 2]);
  const order = [5, 1, 3, 0, 4, 2];
  const back = permute(
    permute(x, order),
    order.map((_, axis) => order.indexOf(axis)),
  );
  expect(await back.data()).toEqual(await x.data());
});

test('values, and types other than f32', async () => {
  const x = engine.tensor(Uint32Array.of(1, 2, 0xffffffff, 4, 5, 6), [2, 3]);
  expect([...(await transpose(x).data())]).toEqual([1, 4, 2, 5, 0xffffffff, 6]);
  expect([...(await narrow(x, 1, 1, 2).data())]).toEqual([2, 0xffffffff, 5, 6]);
  expect([...(await cat([x, narrow(x, 0, 0, 1)]).data())]).toEqual([
    1, 2, 0xffffffff, 4, 5, 6, 1, 2, 0xffffffff,
  ]);
});

test('wrong axes are refused', () => {
  const x = engine.zeros([2, 3]);
  expect(() => permute(x, [0, 0])).toThrow(
    'permute of [2, 3] f32 needs each of its axes once, and got [0, 0]',
  );
  expect(() => narrow(x, 1, 2, 2)).toThrow('narrow of [2, 3] f32 at axis 1 has no elements 2 to 3');
  expect(() => cat([x, engine.zeros([3, 3])], 1)).toThrow('cat along axis 1 needs equal other axes');
  expect(() => expand(x, [2, 4])).toThrow('expand cannot broadcast');
});
