/**
 * Operations in f16 against themselves in f32: on inputs that f16 can hold, outputs and gradients differ by no more than
 * the tolerance of what is stored.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  attention,
  backward,
  cast,
  crossEntropy,
  dropout,
  Engine,
  embedding,
  geglu,
  gelu,
  indices,
  layerNorm,
  linear,
  linearCrossEntropy,
  linearGelu,
  matmul,
  mul,
  narrow,
  permute,
  residualLayerNorm,
  rmsNorm,
  rotary,
  type Shape,
  softmax,
  sum,
  type Tensor,
} from '../../src/autograd/index.ts';
import { fromHalves, toHalves } from '../../src/kernels/half.ts';
import { Random, rotaryTable, tolerance } from '../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Tests that need f16; where the adapter has none, they say so. */
const halfTest = (name: string, body: () => Promise<void>) =>
  test(name, async () => {
    if (engine.device.capabilities.features.has('shader-f16')) return body();
    console.log(`${name} skipped: the adapter has no shader-f16`);
  });

const random = new Random(16, 0);
const halves = (shape: Shape) =>
  fromHalves(
    toHalves(
      Float32Array.from({ length: shape.reduce((product, axis) => product * axis, 1) }, () =>
        random.normal(),
      ),
    ),
  );

/** Largest difference over the largest magnitude. */
function apart(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [difference, largest] = [0, 1e-30];
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs(got[i] - want[i]));
    largest = Math.max(largest, Math.abs(want[i]));
  }
  return difference / largest;
}

interface Operation {
  shapes: readonly Shape[];
  /** Which inputs are parameters, and stay f32; default none. */
  parameters?: readonly number[];
  body: (...inputs: Tensor[]) => Tensor;
  /** Length of the longest sum in forward or backward. */
  length: number;
}

/** The output and the gradients of an operation, some of whose inputs are of f16. */
async function results({ shapes, parameters = [], body }: Operation, data: Float32Array[], half: boolean) {
  const inputs = shapes.map((shape, i) => {
    const dtype = half && !parameters.includes(i) ? 'f16' : 'f32';
    return engine.tensor(data[i], shape, dtype).requireGrad();
  });
  const output = engine.scope(() => {
    const y = engine.autocast(half ? 'f16' : 'f32', () => body(...inputs));
    backward(y, engine.tensor(data[shapes.length].subarray(0, y.size), y.shape));
    return y;
  });
  inputs.forEach((input) => {
    expect(input.grad?.dtype).toBe(input.dtype);
  });
  const tensors = [output, ...inputs.map(({ grad }) => grad as Tensor)];
  return { dtype: output.dtype, values: await Promise.all(tensors.map((tensor) => tensor.data())) };
}

const operations: Record<string, Operation> = {
  gelu: { shapes: [[3, 7]], body: (x) => gelu(x), length: 1 },
  geglu: { shapes: [[5, 24]], body: (x) => geglu(x), length: 1 },
  add: { shapes: [[5, 8], [8]], body: add, length: 5 },
  mul: { shapes: [[5, 7], [1]], body: mul, length: 35 },
  softmax: { shapes: [[5, 12]], body: (x) => softmax(x), length: 12 },
  permute: { shapes: [[8, 3, 12]], body: (x) => permute(x, [1, 2, 0]), length: 1 },
  narrow: { shapes: [[3, 9]], body: (x) => narrow(x, 1, 2, 5), length: 1 },
  dropout: {
    shapes: [[6, 8]],
    body: (x) => dropout(x, 0.3, { state: engine.randomState, layer: 1 }),
    length: 1,
  },
  matmul: {
    shapes: [
      [2, 9, 20],
      [20, 12],
    ],
    body: (a, b) => matmul(a, b),
    length: 20,
  },
  linear: { shapes: [[2, 9, 20], [13, 20], [13]], parameters: [1, 2], body: linear, length: 20 },
  linearGelu: {
    shapes: [[18, 20], [12, 20], [12]],
    parameters: [1, 2],
    body: (x, w, b) => linearGelu(x, w, b),
    length: 20,
  },
  layerNorm: {
    shapes: [[9, 20], [20], [20]],
    parameters: [1, 2],
    body: (x, w, b) => layerNorm(x, w, b),
    length: 20,
  },
  residualLayerNorm: {
    shapes: [[9, 20], [9, 20], [20], [20]],
    parameters: [2, 3],
    body: (x, residual, weight, bias) => {
      const { y, sum } = residualLayerNorm(x, residual, { weight, bias });
      return add(y, sum);
    },
    length: 20,
  },
  rmsNorm: { shapes: [[9, 20], [20]], parameters: [1], body: (x, w) => rmsNorm(x, w), length: 20 },
  rotary: {
    shapes: [[6, 16]],
    body: (x) =>
      rotary(
        x,
        indices(
          engine,
          Uint32Array.from({ length: 6 }, (_, i) => i),
        ),
        engine.tensor(rotaryTable(8, 8, 10000), [8, 8]),
      ),
    length: 2,
  },
  embedding: {
    shapes: [[7, 8]],
    parameters: [0],
    body: (table) => embedding(table, indices(engine, Uint32Array.of(1, 6, 1, 0, 3))),
    length: 2,
  },
  'embedding of activations': {
    shapes: [[7, 8]],
    body: (table) => embedding(table, indices(engine, Uint32Array.of(1, 6, 1, 0, 3))),
    length: 2,
  },
};
for (const implementation of ['composed', 'flash'] as const) {
  operations[`attention, ${implementation}`] = {
    shapes: [
      [2, 9, 16],
      [2, 9, 16],
      [2, 9, 16],
    ],
    body: (q, k, v) => attention(q, k, v, { heads: 2, implementation }).context,
    length: 9,
  };
}

describe('f16 as f32', () => {
  for (const [name, operation] of Object.entries(operations)) {
    halfTest(name, async () => {
      const data = [...operation.shapes, [1024]].map(halves);
      const want = await results(operation, data, false);
      const got = await results(operation, data, true);
      expect(got.dtype).toBe('f16');
      // What is stored between two kernels is rounded as well as what comes out.
      const limit = 2 * tolerance('f16', operation.length);
      const errors = got.values.map((values, i) => apart(values, want.values[i]));
      expect(Math.max(...errors), `${errors}`).toBeLessThan(limit);
    });
  }

  for (const fused of [true, false]) {
    halfTest(fused ? 'linearCrossEntropy' : 'crossEntropy of linear', async () => {
      const labels = engine.tensor(Int32Array.from({ length: 9 }, (_, i) => (i === 3 ? -100 : i)));
      const operation: Operation = {
        shapes: [[9, 20], [11, 20], [11]],
        parameters: [1, 2],
        body: (x, weight, bias) =>
          fused
            ? linearCrossEntropy(x, weight, bias, labels).loss
            : crossEntropy(linear(x, weight, bias), labels).loss,
        length: 20,
      };
      const data = [...operation.shapes, [1]].map(halves);
      const want = await results(operation, data, false);
      const got = await results(operation, data, true);
      expect(got.dtype).toBe('f32');
      got.values.forEach((values, i) => {
        expect(apart(values, want.values[i])).toBeLessThan(4 * tolerance('f16', operation.length));
      });
    });
  }
});

halfTest('cast rounds, and its gradient comes back in the type of the input', async () => {
  const x = engine.tensor([1, 1 + 2 ** -12, 1e6, -3]).requireGrad();
  const y = cast(x, 'f16');
  expect([...(await y.data())]).toEqual([1, 1, Number.POSITIVE_INFINITY, -3]);
  backward(y, engine.tensor([1, 2, 3, 4], [4], 'f16'));
  expect(x.grad?.dtype).toBe('f32');
  expect([...((await x.grad!.data()) as Float32Array)]).toEqual([1, 2, 3, 4]);
  expect(cast(x, 'f32')).toBe(x);
});

halfTest('sums of f16 are f32, and go beyond its range', async () => {
  const x = engine.full([3, 1000], 1000, 'f16').requireGrad();
  const y = sum(x);
  expect(y.dtype).toBe('f32');
  expect(await y.item()).toBe(3e6);
  backward(y);
  expect(x.grad?.dtype).toBe('f16');
});

halfTest(
  'one cast serves all parameters that share memory, and follows them from region to region',
  async () => {
    const flat = engine.tensor(halves([512]));
    const parameter = (offset: number) =>
      engine.share(flat.storage, [8, 16], 'f32', 4 * offset).requireGrad();
    const [first, second] = [parameter(0), parameter(256)];
    const x = engine.tensor(halves([4, 16]), [4, 16], 'f16');
    const casts: string[] = [];
    const { launcher } = engine;
    const run = launcher.run.bind(launcher);
    launcher.run = (spec, ...rest) => {
      casts.push(spec.name);
      run(spec, ...rest);
    };
    const region = () =>
      engine.noGrad(() =>
        engine.autocast('f16', () => [linear(x, first), linear(x, second), linear(x, first)]),
      );
    const [a, , b] = region();
    expect(casts).toEqual(['cast', 'matmul', 'matmul', 'matmul']);
    expect(await b.data()).toEqual(await a.data());
    flat.write(new Float32Array(512).fill(1));
    const [c] = region();
    launcher.run = run;
    expect(await c.data()).not.toEqual(await a.data());
  },
);

test('an adapter without f16 says so', async () => {
  using plain = await Engine.open({ without: ['shader-f16'] });
  expect(() => plain.autocast('f16', () => undefined)).toThrow(/has no f16/);
  expect(() => cast(plain.tensor([1]), 'f16')).toThrow(/has no f16/);
});

halfTest('a kernel refuses f16 where it wants f32', async () => {
  const half = engine.tensor(halves([8]), [8], 'f16');
  expect(() => layerNorm(engine.tensor(halves([2, 8]), [2, 8]), half)).toThrow(
    /layerNorm takes f32 for weight, not f16/,
  );
});
