import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, gradcheck, linear, mul, type Tensor } from '../../../src/autograd/index.ts';
import { crossEntropy } from '../../../src/autograd/ops/crossEntropy.ts';
import { linearCrossEntropy } from '../../../src/autograd/ops/linearCrossEntropy.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(12, 0);
const normal = (shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return engine
    .tensor(
      Float32Array.from({ length: size }, () => random.normal()),
      shape,
    )
    .requireGrad();
};

/** A quarter of the labels does not count. */
const labelsOf = (rows: number, classes: number) =>
  engine.tensor(Int32Array.from({ length: rows }, () => (random.below(4) ? random.below(classes) : -100)));

const copyOf = (x: Tensor) => engine.copyOf(x).requireGrad();

/** Whole slices, a part of one, and one row; classes in fours and not. */
test.each([
  [1, 3, 1],
  [64, 8, 12],
  [65, 5, 70],
  [150, 12, 30],
  [192, 4, 33],
])(
  '%d rows of %d against %d classes: what the two ops give, slice by slice',
  async (rows, width, classes) => {
    const inputs = [normal([rows, width]), normal([classes, width]), normal([classes])];
    const others = inputs.map(copyOf);
    const labels = labelsOf(rows, classes);
    const normalizer = engine.full([1], 7);
    const weights =
      rows === 150 ? engine.tensor(Float32Array.from({ length: rows }, () => random.uniform())) : undefined;
    const smoothing = rows === 192 ? 0.2 : 0;
    const options = { normalizer, weights, smoothing };
    const whole = crossEntropy(linear(inputs[0], inputs[1], inputs[2]), labels, options);
    backward(mul(whole.loss, 0.5));
    const sliced = linearCrossEntropy(others[0], others[1], others[2], labels, {
      ...options,
      rowsAtOnce: 64,
    });
    backward(mul(sliced.loss, 0.5));
    expect(await sliced.loss.item()).toBeCloseTo(await whole.loss.item(), 4);
    expect(await sliced.count.data()).toEqual(await whole.count.data());
    expect(await sliced.hits.data()).toEqual(await whole.hits.data());
    expect(await sliced.correct.data()).toEqual(await whole.correct.data());
    for (const [i, input] of inputs.entries()) {
      const want = await input.grad!.data();
      const got = await others[i].grad!.data();
      const scale = Math.max(...Array.from(want, Math.abs));
      expect(got.length).toBe(want.length);
      for (let k = 0; k < want.length; k++)
        expect(Math.abs(got[k] - want[k])).toBeLessThan(1e-5 * (1 + scale));
    }
  },
);

test('gradients', async () => {
  const labels = labelsOf(70, 9);
  const loss = (hidden: Tensor, weight: Tensor, bias?: Tensor) =>
    mul(linearCrossEntropy(hidden, weight, bias, labels, { rowsAtOnce: 64 }).loss, 3);
  await gradcheck(engine, loss, [normal([70, 6]), normal([9, 6]), normal([9])]);
  await gradcheck(engine, loss, [normal([7, 10, 6]), normal([9, 6])]);
});

test('equal calls give equal bits', async () => {
  const inputs = [normal([200, 16]), normal([70, 16]), normal([70])];
  const labels = labelsOf(200, 70);
  const once = async () => {
    const [hidden, weight, bias] = inputs.map(copyOf);
    backward(linearCrossEntropy(hidden, weight, bias, labels, { rowsAtOnce: 64 }).loss);
    return Promise.all([hidden, weight, bias].map((x) => x.grad!.data()));
  };
  expect(await once()).toEqual(await once());
});

test('only what wants a gradient gets one, and memory is that of a slice', async () => {
  const hidden = engine.tensor(
    Float32Array.from({ length: 4096 * 8 }, () => random.normal()),
    [4096, 8],
  );
  const weight = normal([500, 8]);
  const labels = labelsOf(4096, 500);
  const before = engine.memory().live;
  const during = engine.scope(() => {
    const { loss } = linearCrossEntropy(hidden, weight, undefined, labels, { rowsAtOnce: 64 });
    const { live, pooled } = engine.memory();
    backward(loss);
    return live + pooled;
  });
  expect(hidden.grad).toBeUndefined();
  expect(weight.grad!.shape).toEqual([500, 8]);
  expect(during - before).toBeLessThan((4096 * 500 * 4) / 4);
});

test('without a gradient to make, none is made', () => {
  const before = engine.tape.length;
  engine.noGrad(() => linearCrossEntropy(normal([3, 4]), normal([5, 4]), undefined, labelsOf(3, 5)));
  linearCrossEntropy(engine.zeros([3, 4]), engine.zeros([5, 4]), undefined, labelsOf(3, 5));
  expect(engine.tape.length).toBe(before);
});

test('what does not fit is refused by name', () => {
  const [hidden, weight, labels] = [engine.zeros([4, 8]), engine.zeros([5, 8]), labelsOf(4, 5)];
  const call = (...last: [Tensor, object?]) => linearCrossEntropy(hidden, weight, undefined, ...last);
  expect(() => call(labelsOf(3, 5))).toThrow(/linearCrossEntropy of \[4, 8\] f32 with labels of \[3\]/);
  expect(() => call(engine.zeros([4]))).toThrow(/whole numbers/);
  expect(() => call(labels, { rowsAtOnce: 100 })).toThrow(
    /rowsAtOnce is 100: use a multiple of 64|multiple of 64/i,
  );
  expect(() => linearCrossEntropy(hidden, engine.zeros([5, 7]), undefined, labels)).toThrow(
    /linearCrossEntropy/,
  );
});
