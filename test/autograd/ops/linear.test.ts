import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { linear, linearGelu } from '../../../src/autograd/ops/linear.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(6, 0);
const normal = (shape: number[]): Tensor =>
  engine
    .tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
      shape,
    )
    .requireGrad();

test('y = x Wᵀ + b', async () => {
  const y = linear(
    engine.tensor([[1, 2]]),
    engine.tensor([
      [3, 4],
      [5, 6],
      [7, 8],
    ]),
    engine.tensor([1, 0, -1]),
  );
  expect(y.shape).toEqual([1, 3]);
  expect([...(await y.data())]).toEqual([12, 17, 22]);
});

describe('gradients', () => {
  for (const [x, to] of [
    [[6], 5],
    [[2, 3, 8], 12],
    [[600, 4], 3],
  ] as const) {
    const from = x[x.length - 1];
    test(`linear of [${x}] to ${to}`, async () => {
      const inputs = [normal([...x]), normal([to, from]), normal([to])];
      const { errors } = await gradcheck(engine, (x, w, b) => linear(x, w, b), inputs, { directions: 1 });
      expect(errors.length).toBe(3);
    });
    for (const approximate of ['none', 'tanh'] as const) {
      test(`linearGelu of [${x}] to ${to}, approximate ${approximate}`, async () => {
        const inputs = [normal([...x]), normal([to, from]), normal([to])];
        const body = (x: Tensor, w: Tensor, b: Tensor) => linearGelu(x, w, b, approximate);
        await gradcheck(engine, body, inputs, { directions: 1 });
      });
    }
  }

  test('without a bias', async () => {
    await gradcheck(engine, (x, w) => linear(x, w), [normal([5, 3]), normal([4, 3])]);
    await gradcheck(engine, (x, w) => linearGelu(x, w), [normal([5, 3]), normal([4, 3])]);
  });
});

test('gradients of parameters add up over calls of backward', async () => {
  const [weight, bias] = [normal([12, 8]), normal([12])];
  const x = normal([600, 8]);
  for (const forward of [linear, linearGelu]) {
    const dy = normal([600, 12]);
    for (const parameter of [weight, bias]) parameter.grad = undefined;
    const sums: Float32Array[][] = [];
    for (let call = 0; call < 2; call++) {
      engine.scope(() => backward(forward(x, weight, bias), dy));
      const gradients = [weight, bias].map(({ grad }) => grad!.data() as Promise<Float32Array>);
      sums.push(await Promise.all(gradients));
    }
    const [once, twice] = sums;
    expect(twice).toEqual(once.map((values) => values.map((value) => 2 * value)));
  }
});

test('linearGelu recorded and not recorded give the same numbers', async () => {
  const inputs: [Tensor, Tensor, Tensor] = [normal([9, 8]), normal([36, 8]), normal([36])];
  const recorded = await linearGelu(...inputs).data();
  engine.tape.clear();
  const plain = await engine.noGrad(() => linearGelu(...inputs)).data();
  expect(plain).toEqual(recorded);
});

test('shapes that do not fit are refused by name', () => {
  expect(() => linear(normal([2, 3]), normal([5, 4]))).toThrow(/linear of \[2,3\] with a weight of \[5,4\]/);
  expect(() => linearGelu(normal([2, 3]), normal([5, 3]), normal([4]))).toThrow(
    /bias of \[4\]: it must be \[5\]/,
  );
});
