import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import { matmul } from '../../../src/autograd/ops/matmul.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(5, 0);
const normal = (shape: number[]): Tensor =>
  engine.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );

test('multiplies two small matrices', async () => {
  const a = engine.tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const b = engine.tensor([
    [1, 0],
    [0, 1],
    [2, -1],
  ]);
  const y = matmul(a, b);
  expect(y.shape).toEqual([2, 2]);
  expect([...(await y.data())]).toEqual([7, -1, 16, -1]);
});

test('(a b)ᵀ = bᵀ aᵀ, whichever way the operands are stored', async () => {
  const a = normal([17, 23]);
  const b = normal([23, 9]);
  const y = await matmul(a, b).data();
  const swapped = await matmul(b, a, { transposeA: true, transposeB: true }).data();
  for (let i = 0; i < 17; i++) {
    for (let j = 0; j < 9; j++) expect(swapped[j * 17 + i]).toBeCloseTo(y[i * 9 + j], 5);
  }
});

describe('gradients', () => {
  const shapes: [number[], number[]][] = [
    [
      [5, 7],
      [7, 3],
    ],
    [
      [2, 3, 5, 7],
      [2, 3, 7, 4],
    ],
    [
      [2, 3, 5, 7],
      [7, 4],
    ],
    [
      [5, 7],
      [2, 3, 7, 4],
    ],
    [
      [2, 1, 5, 7],
      [3, 7, 4],
    ],
    [
      [4, 1, 2, 8],
      [1, 3, 8, 4],
    ],
    [
      [2, 1, 3, 1, 5, 4],
      [3, 1, 2, 4, 3],
    ],
  ];
  for (const [a, b] of shapes) {
    for (const options of [
      {},
      { transposeA: true },
      { transposeB: true },
      { transposeA: true, transposeB: true },
    ]) {
      test(`[${a}] × [${b}] ${Object.keys(options)}`, async () => {
        const stored = (shape: number[], transposed?: boolean) =>
          transposed ? [...shape.slice(0, -2), shape.at(-1) as number, shape.at(-2) as number] : shape;
        const x = normal(stored(a, options.transposeA)).requireGrad();
        const y = normal(stored(b, options.transposeB)).requireGrad();
        const { errors } = await gradcheck(engine, (x, y) => matmul(x, y, options), [x, y], {
          directions: 1,
        });
        expect(errors.length).toBe(2);
      });
    }
  }
});

test('a matrix used for a whole batch gets the sum of the gradients', async () => {
  const a = normal([3, 2, 4]).requireGrad();
  const b = normal([4, 5]).requireGrad();
  const repeated = engine
    .tensor(Float32Array.from([...(await b.data()), ...(await b.data()), ...(await b.data())]), [3, 4, 5])
    .requireGrad();
  const dy = normal([3, 2, 5]);
  engine.tape.backward(engine, matmul(a, b), dy);
  engine.tape.backward(engine, matmul(a, repeated), dy);
  const single = (await b.grad?.data()) ?? [];
  const parts = (await repeated.grad?.data()) ?? [];
  expect(single.length).toBe(20);
  for (let i = 0; i < 20; i++) expect(single[i]).toBeCloseTo(parts[i] + parts[i + 20] + parts[i + 40], 5);
});

test('shapes that do not fit are refused by name', () => {
  expect(() => matmul(normal([2, 3]), normal([4, 2]))).toThrow(
    /matmul of \[2,3\] and \[4,2\]: the inner sizes are 3 and 4/,
  );
  expect(() => matmul(normal([2, 2, 3]), normal([3, 3, 2]))).toThrow(/leading axes/);
  expect(() => matmul(normal([3]), normal([3, 2]))).toThrow(/two axes/);
});
