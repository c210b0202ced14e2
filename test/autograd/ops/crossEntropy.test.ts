import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, gradcheck, mul, type Tensor } from '../../../src/autograd/index.ts';
import { crossEntropy } from '../../../src/autograd/ops/crossEntropy.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(9, 0);
const normal = (shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return engine
    .tensor(
      Float32Array.from({ length: size }, () => random.normal()),
      shape,
    )
    .requireGrad();
};
const labelsOf = (...labels: number[]) => engine.tensor(Int32Array.from(labels));

test('the mean over the rows that count, with count and hits', async () => {
  const logits = engine.tensor([
    [0, Math.log(3)],
    [0, Math.log(3)],
    [5, 5],
    [9, 9],
  ]);
  const result = crossEntropy(logits, labelsOf(1, 0, -100, 0));
  const wanted = [-Math.log(0.75), -Math.log(0.25), 0, Math.log(2)];
  const losses = await result.losses.data();
  wanted.forEach((loss, i) => {
    expect(losses[i]).toBeCloseTo(loss, 6);
  });
  expect(await result.loss.item()).toBeCloseTo((wanted[0] + wanted[1] + wanted[3]) / 3, 6);
  expect(await result.count.item()).toBe(3);
  expect(await result.hits.item()).toBe(2);
  expect([...(await result.correct.data())]).toEqual([1, 0, 0, 1]);
});

test('gradient', async () => {
  const labels = labelsOf(3, 0, -100, 6, 3);
  await gradcheck(engine, (x) => crossEntropy(x, labels).loss, [normal([5, 7])]);
  await gradcheck(engine, (x) => crossEntropy(x, labels).loss, [normal([5, 8])]);
  const nested = engine.tensor(Int32Array.of(599, 2, 0, -1), [2, 2]);
  await gradcheck(engine, (x) => crossEntropy(x, nested, { ignoreIndex: -1 }).loss, [normal([2, 2, 600])]);
});

test('weights are factors of the losses and of their gradients, and nothing else', async () => {
  const weights = engine.tensor([2, 0.5, 7, 0]);
  const labels = labelsOf(1, 4, -100, 0);
  const normalizer = engine.full([1], 3);
  const logits = normal([4, 5]);
  const plain = crossEntropy(logits, labels);
  const weighted = crossEntropy(logits, labels, { weights, normalizer });
  const losses = await plain.losses.data();
  const expected = [2 * losses[0], 0.5 * losses[1], 0, 0];
  (await weighted.losses.data()).forEach((loss, i) => {
    expect(loss).toBeCloseTo(expected[i], 5);
  });
  expect(await weighted.loss.item()).toBeCloseTo((expected[0] + expected[1]) / 3, 5);
  expect(await weighted.hits.data()).toEqual(await plain.hits.data());
  await gradcheck(engine, (x) => crossEntropy(x, labels, { weights, normalizer }).loss, [normal([4, 5])]);
  expect(() => crossEntropy(logits, labels, { weights: engine.tensor([1, 2]) })).toThrow(
    'it wants 4 of them',
  );
});

test('smoothing spreads a share of the truth evenly over the classes', async () => {
  const logits = engine.tensor([[0, Math.log(3), 0, 0]]);
  const { loss, hits } = crossEntropy(logits, labelsOf(1), { smoothing: 0.2 });
  // −log p is log 2 for the label and log 6 for the other three.
  const mean = (Math.log(2) + 3 * Math.log(6)) / 4;
  expect(await loss.item()).toBeCloseTo(0.8 * Math.log(2) + 0.2 * mean, 6);
  expect(await hits.item()).toBe(1);
  const labels = labelsOf(1, 4, -100, 0);
  const weights = engine.tensor([2, 0.5, 7, 1]);
  for (const columns of [5, 8]) {
    const smoothed = (x: Tensor) => crossEntropy(x, labels, { weights, smoothing: 0.3 }).loss;
    await gradcheck(engine, smoothed, [normal([4, columns])]);
  }
  expect(() => crossEntropy(logits, labelsOf(1), { smoothing: 1 })).toThrow('a smoothing of 1');
});

test('what arrives from behind scales the gradient', async () => {
  const logits = normal([3, 5]);
  const labels = labelsOf(1, 4, 0);
  await gradcheck(engine, (x) => mul(crossEntropy(x, labels).loss, -3), [logits]);
  const one = normal([3, 5]);
  one.write(await logits.data());
  backward(crossEntropy(one, labels).loss);
  backward(mul(crossEntropy(logits, labels).loss, 2));
  const twice = Array.from(await one.grad!.data(), (x) => 2 * x);
  expect([...(await logits.grad!.data())]).toEqual(twice);
});

test('the logits are left as they are', async () => {
  const logits = normal([4, 6]);
  const before = await logits.data();
  backward(crossEntropy(logits, labelsOf(1, 5, 0, 2)).loss);
  expect(await logits.data()).toEqual(before);
});

test('parts under one normalizer add up to the whole, loss and gradient', async () => {
  const whole = normal([6, 5]);
  const values = await whole.data();
  const labels = [1, 4, -100, 0, -100, 2];
  const { loss } = crossEntropy(whole, labelsOf(...labels));
  backward(loss);
  const gradient = (await whole.grad!.data()) as Float32Array;

  let sum = 0;
  const parts: number[] = [];
  for (const [from, to] of [
    [0, 2],
    [2, 6],
  ]) {
    const part = engine.tensor(values.slice(5 * from, 5 * to), [to - from, 5]).requireGrad();
    const normalizer = engine.full([1], 4);
    const piece = crossEntropy(part, labelsOf(...labels.slice(from, to)), { normalizer }).loss;
    backward(piece);
    sum += await piece.item();
    parts.push(...(await part.grad!.data()));
  }
  expect(sum).toBeCloseTo(await loss.item(), 6);
  parts.forEach((value, i) => {
    expect(value).toBeCloseTo(gradient[i], 7);
  });
  for (let row = 0; row < 6; row++) {
    expect(gradient.slice(5 * row, 5 * row + 5).reduce((a, b) => a + b)).toBeCloseTo(0, 6);
  }
});

test('without a row that counts, loss and gradient are 0', async () => {
  const logits = normal([3, 4]);
  const { loss, count } = crossEntropy(logits, labelsOf(-100, -100, -100));
  backward(loss);
  expect(await loss.item()).toBe(0);
  expect(await count.item()).toBe(0);
  expect([...(await logits.grad!.data())]).toEqual(new Array(12).fill(0));
});

test('a label that is no class cannot pass unnoticed', async () => {
  const { loss } = crossEntropy(normal([2, 4]), labelsOf(4, 0));
  expect(await loss.item()).toBeGreaterThan(1e37);
});

test('what does not fit is refused by name', () => {
  const logits = engine.zeros([2, 3]);
  expect(() => crossEntropy(logits, labelsOf(1))).toThrow(
    /crossEntropy of \[2, 3\] f32 with labels of \[1\]/,
  );
  expect(() => crossEntropy(logits, engine.zeros([2]))).toThrow(/whole numbers for labels/);
  expect(() => crossEntropy(logits, labelsOf(1, 1), { normalizer: engine.zeros([2]) })).toThrow(/normalizer/);
});
