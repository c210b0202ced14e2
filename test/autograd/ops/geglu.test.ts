import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, gelu, gradcheck, mul, narrow, type Tensor } from '../../../src/autograd/index.ts';
import { geglu } from '../../../src/autograd/ops/geglu.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(10, 0);
const normal = (shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, () => random.normal());
  return engine.tensor(values, [...shape]).requireGrad();
};

for (const approximate of ['none', 'tanh'] as const) {
  for (const shape of [[2], [3, 5, 14], [4, 40]]) {
    test(`of [${shape}], approximate ${approximate}, is gelu of one half times the other`, async () => {
      const x = normal(shape);
      const half = shape[shape.length - 1] / 2;
      const parts = [0, half].map((from) => narrow(x, -1, from, half));
      const want = await mul(gelu(parts[0], { approximate }), parts[1]).data();
      const y = geglu(x, { approximate });
      expect(y.shape).toEqual([...shape.slice(0, -1), half]);
      (await y.data()).forEach((value, i) => {
        expect(value).toBeCloseTo(want[i], 5);
      });
      engine.tape.clear();
      await gradcheck(engine, (x) => geglu(x, { approximate }), [x]);
    });
  }
}

test('an odd last axis is refused', () => {
  expect(() => geglu(engine.zeros([2, 5]))).toThrow(
    /geglu of \[2, 5\] f32: its last axis must hold two halves/,
  );
});
