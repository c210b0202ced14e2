/**
 * What is measured side by side with other libraries: operations as a user calls them, with their operands and their
 * results in float64. An operation may be one kernel or several.
 */
import { adamw } from '../../src/kernels/adamw.ts';
import { embedding } from '../../src/kernels/embedding.ts';
import type { AnyKernelSpec, NumberArray, Random } from '../../src/kernels/index.ts';
import { layerNorm } from '../../src/kernels/layerNorm.ts';
import { layerNormBackward, layerNormParameters } from '../../src/kernels/layerNormBackward.ts';
import { softmax } from '../../src/kernels/softmax.ts';
import { unary } from '../../src/kernels/unary.ts';

/** A tensor that an operation is given: f32 or, for ids and labels, i32. */
export interface Operand {
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
  readonly shape: readonly number[];
}

/** By name, in the order in which a library's function is given them. */
export type Operands = Readonly<Record<string, Operand>>;

export interface Operation {
  readonly name: OperationName;
  /** What the sizes of a shape are. */
  readonly axes: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  operands(sizes: readonly number[], random: Random): Operands;
  /** Operations and bytes that are needed at least. */
  cost(sizes: readonly number[]): { flops: number; bytes: number };
  /** The results in float64, in the order in which the libraries give them. */
  reference(operands: Operands): NumberArray[];
}

export type OperationName =
  | 'matmul'
  | 'matmulBatched'
  | 'softmax'
  | 'layerNorm'
  | 'layerNorm+backward'
  | 'gelu'
  | 'attention'
  | 'embedding'
  | 'crossEntropy'
  | 'crossEntropy+backward'
  | 'adamw';

/** One operation at one shape. */
export interface OperationCase {
  readonly kernel: Operation;
  readonly sizes: readonly number[];
}

/** As in BERT. */
export const layerNormEps = 1e-12;

/** The step that `adamw` takes, always as if it were the first. */
export const adamwStep = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

/** The same as the kernel reads it. */
export const adamwHyper = ({ lr, beta1, beta2, eps, weightDecay } = adamwStep) =>
  Float32Array.of(lr, beta2, 1 - beta1, 1 - beta2, eps, weightDecay, 1 - beta1, Math.sqrt(1 - beta2));

const normal = (shape: readonly number[], random: Random): Operand => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
  shape,
});

const below = (limit: number, count: number, random: Random): Operand => ({
  data: Int32Array.from({ length: count }, () => random.below(limit)),
  shape: [count],
});

/** a b in float64, for each of a batch of matrices; the inner loop goes along rows. */
function product(a: NumberArray, b: NumberArray, [batch, m, k, n]: readonly number[]): Float64Array {
  const c = new Float64Array(batch * m * n);
  for (let row = 0; row < batch * m; row++) {
    const first = Math.floor(row / m) * k * n;
    for (let i = 0; i < k; i++) {
      const factor = a[row * k + i];
      for (let j = 0; j < n; j++) c[row * n + j] += factor * b[first + i * n + j];
    }
  }
  return c;
}

const matmulCost = ([batch, m, k, n]: readonly number[]) => ({
  flops: 2 * batch * m * k * n,
  bytes: 4 * batch * (m * k + k * n + m * n),
});

/** softmax(q kᵀ / √D) v in float64, one row of scores at a time; all [B, H, T, D]. */
function attention(q: Operand, k: Operand, v: Operand): Float64Array {
  const [, , T, D] = q.shape;
  const out = new Float64Array(q.data.length);
  const weights = new Float64Array(T);
  for (let row = 0; row < q.data.length / D; row++) {
    const keys = Math.floor(row / T) * T;
    for (let s = 0; s < T; s++) {
      let dot = 0;
      for (let d = 0; d < D; d++) dot += q.data[row * D + d] * k.data[(keys + s) * D + d];
      weights[s] = dot / Math.sqrt(D);
    }
    const { y } = softmax.reference({ rows: 1, columns: T, log: false }, { x: weights });
    for (let s = 0; s < T; s++) {
      for (let d = 0; d < D; d++) out[row * D + d] += y[s] * v.data[(keys + s) * D + d];
    }
  }
  return out;
}

const normProblem = ([rows, columns]: readonly number[]) => ({
  rows,
  columns,
  eps: layerNormEps,
  weight: true,
  bias: true,
  residual: false,
  dsum: false,
  p: 0,
  layer: 0,
});

function layerNormGradients({ x, weight, bias, dy }: Operands): NumberArray[] {
  const problem = normProblem(x.shape);
  const [rows, columns] = x.shape;
  const inputs = { x: x.data, weight: weight.data, bias: bias.data, dy: dy.data };
  const { statistics } = layerNorm.reference(problem, inputs);
  const { dx } = layerNormBackward.reference(problem, { ...inputs, statistics });
  const parts = layerNormParameters.reference({ rows, columns }, { ...inputs, statistics });
  const total = (blocks: NumberArray) => {
    const sums = new Float64Array(columns);
    blocks.forEach((value, i) => {
      sums[i % columns] += value;
    });
    return sums;
  };
  return [dx, total(parts.dweight), total(parts.dbias)];
}

/** The mean loss, and its gradient (softmax − one-hot) / rows where it is wanted. */
function crossEntropyResults({ logits, labels }: Operands, gradient: boolean): NumberArray[] {
  const [rows, columns] = logits.shape;
  const { y } = softmax.reference({ rows, columns, log: true }, { x: logits.data });
  let sum = 0;
  labels.data.forEach((label, row) => {
    sum -= y[row * columns + label];
  });
  const loss = Float64Array.of(sum / rows);
  if (!gradient) return [loss];
  const dlogits = Float64Array.from(y, (log) => Math.exp(log) / rows);
  labels.data.forEach((label, row) => {
    dlogits[row * columns + label] -= 1 / rows;
  });
  return [loss, dlogits];
}

const costOf = (...parts: [AnyKernelSpec, object][]) => {
  const costs = parts.map(([spec, problem]) => spec.cost(problem));
  const sum = (key: 'flops' | 'bytes') => costs.reduce((total, cost) => total + cost[key], 0);
  return { flops: sum('flops'), bytes: sum('bytes') };
};

const matrices = ['m', 'k', 'n'];
const rows = ['rows', 'columns'];

export const operations: readonly Operation[] = [
  {
    name: 'matmul',
    axes: matrices,
    shapes: [
      [256, 256, 256],
      [512, 512, 512],
      [1024, 1024, 1024],
      [1000, 768, 768],
    ],
    operands: ([m, k, n], random) => ({ a: normal([m, k], random), b: normal([k, n], random) }),
    cost: (sizes) => matmulCost([1, ...sizes]),
    reference: ({ a, b }) => [product(a.data, b.data, [1, ...a.shape, b.shape[1]])],
  },
  {
    name: 'matmulBatched',
    axes: ['batch', ...matrices],
    shapes: [[12, 128, 64, 128]],
    operands: ([batch, m, k, n], random) => ({
      a: normal([batch, m, k], random),
      b: normal([batch, k, n], random),
    }),
    cost: matmulCost,
    reference: ({ a, b }) => [product(a.data, b.data, [...a.shape, b.shape[2]])],
  },
  {
    name: 'softmax',
    axes: rows,
    shapes: [
      [3072, 128],
      [512, 4096],
    ],
    operands: (sizes, random) => ({ x: normal(sizes, random) }),
    cost: ([rows, columns]) => softmax.cost({ rows, columns, log: false }),
    reference: ({ x }) => {
      const [rows, columns] = x.shape;
      return [softmax.reference({ rows, columns, log: false }, { x: x.data }).y];
    },
  },
  {
    name: 'layerNorm',
    axes: rows,
    shapes: [[1024, 768]],
    operands: (sizes, random) => ({
      x: normal(sizes, random),
      weight: normal([sizes[1]], random),
      bias: normal([sizes[1]], random),
    }),
    cost: (sizes) => layerNorm.cost(normProblem(sizes)),
    reference: ({ x, weight, bias }) => {
      const inputs = { x: x.data, weight: weight.data, bias: bias.data };
      return [layerNorm.reference(normProblem(x.shape), inputs).y];
    },
  },
  {
    name: 'layerNorm+backward',
    axes: rows,
    shapes: [[1024, 768]],
    operands: (sizes, random) => ({
      x: normal(sizes, random),
      weight: normal([sizes[1]], random),
      bias: normal([sizes[1]], random),
      dy: normal(sizes, random),
    }),
    cost: (sizes) => {
      const problem = normProblem(sizes);
      return costOf([layerNorm, problem], [layerNormBackward, problem], [layerNormParameters, problem]);
    },
    reference: layerNormGradients,
  },
  {
    name: 'gelu',
    axes: rows,
    shapes: [[1024, 3072]],
    operands: (sizes, random) => ({ x: normal(sizes, random) }),
    cost: ([rows, columns]) => unary.cost({ count: rows * columns, op: 'gelu' }),
    reference: ({ x }) => [unary.reference({ count: x.data.length, op: 'gelu' }, { x: x.data }).y],
  },
  {
    name: 'attention',
    axes: ['batch', 'heads', 'tokens', 'depth'],
    shapes: [[4, 12, 128, 64]],
    operands: (sizes, random) => ({
      q: normal(sizes, random),
      k: normal(sizes, random),
      v: normal(sizes, random),
    }),
    cost: ([B, H, T, D]) => ({ flops: 4 * B * H * T * T * D, bytes: 16 * B * H * T * D }),
    reference: ({ q, k, v }) => [attention(q, k, v)],
  },
  {
    name: 'embedding',
    axes: ['rows', 'columns', 'ids'],
    shapes: [[30522, 256, 1024]],
    operands: ([rows, columns, n], random) => ({
      table: normal([rows, columns], random),
      ids: below(rows, n, random),
    }),
    cost: ([rows, columns, n]) => embedding.cost({ rows, columns, n }),
    reference: ({ table, ids }) => {
      const [rows, columns] = table.shape;
      const problem = { rows, columns, n: ids.data.length };
      return [embedding.reference(problem, { table: table.data, ids: ids.data }).y];
    },
  },
  {
    name: 'crossEntropy',
    axes: rows,
    shapes: [[1024, 8192]],
    operands: (sizes, random) => ({
      logits: normal(sizes, random),
      labels: below(sizes[1], sizes[0], random),
    }),
    cost: ([rows, columns]) => ({ flops: 4 * rows * columns, bytes: 4 * rows * columns }),
    reference: (operands) => crossEntropyResults(operands, false),
  },
  {
    name: 'crossEntropy+backward',
    axes: rows,
    shapes: [[1024, 8192]],
    operands: (sizes, random) => ({
      logits: normal(sizes, random),
      labels: below(sizes[1], sizes[0], random),
    }),
    cost: ([rows, columns]) => ({ flops: 7 * rows * columns, bytes: 8 * rows * columns }),
    reference: (operands) => crossEntropyResults(operands, true),
  },
  {
    name: 'adamw',
    axes: ['count'],
    shapes: [[10_000_000]],
    operands: (sizes, random) => ({ value: normal(sizes, random), gradient: normal(sizes, random) }),
    cost: ([count]) => adamw.cost({ count }),
    reference: ({ value, gradient }) => {
      const count = value.data.length;
      const [expAvg, expAvgSq] = [new Float64Array(count), new Float64Array(count)];
      const inputs = { value: value.data, gradient: gradient.data, expAvg, expAvgSq };
      const step = { hyper: adamwHyper(), factor: Float64Array.of(1) };
      return [adamw.reference({ count }, { ...inputs, ...step }).value];
    },
  },
];
