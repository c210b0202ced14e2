/**
 * Root mean square normalisation along the rows of a matrix (Zhang and Sennrich, "Root Mean Square Layer
 * Normalization", 2019) and its gradients. Nothing is subtracted: a row only comes out with a mean square of 1.
 *
 * rmsNorm: x [rows, columns], weight [columns] or absent → y, and rstd [rows] = 1 / √(mean(x²) + eps) for backward.
 * rmsNormBackward: x, weight, dy, rstd → dx.
 * rmsNormParameters: x, dy, rstd → dweight of each block of {@link rowBlock} rows, [blocks, columns]; a column sum
 * finishes it. Two stages, so the order of addition never changes.
 *
 * Variants of the first two: see `rows.ts`. Of the last: `column` and `column-vec4`, one or four columns an invocation.
 */
import {
  rmsNormBackward as backwardShader,
  rmsNormParameters as parametersShader,
  rmsNorm as shader,
} from '../../shaders/rmsNorm.ts';
import { rowBlock } from './layerNormBackward.ts';
import { shapes } from './layerNormReference.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import {
  type BindingSpec,
  isHalf,
  type KernelSpec,
  type NumberArray,
  type Precision,
  spread,
} from './spec.ts';

export interface RmsNormBackwardProblem extends RowShape {
  weight: boolean;
}

export interface RmsNormProblem extends RmsNormBackwardProblem {
  eps: number;
}

const size = ({ rows, columns }: RowShape) => rows * columns;
const blocks = ({ rows }: RowShape) => Math.ceil(rows / rowBlock);

const weightBinding: BindingSpec<RmsNormBackwardProblem> = {
  name: 'weight',
  access: 'read',
  type: 'f32',
  length: ({ columns }) => columns,
  when: ({ weight }) => weight,
};

/** 1 / √(mean(x²) + eps) of each row, in float64. */
function statisticOf({ rows, columns }: RowShape, x: NumberArray, eps: number): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let squares = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) squares += x[i] ** 2;
    return 1 / Math.sqrt(squares / columns + eps);
  });
}

/**
 * Ordinary numbers, or large or small ones, by the number of rows; with what the forward pass would have saved. Its eps
 * is of the size of x²: with a far smaller one the gradient of a single column is nothing but cancelled digits.
 */
function backwardInputs(shape: RowShape & Precision, random: { normal(): number }) {
  const scale = isHalf(shape) ? 1 : [1, 1e6, 1e-4][shape.rows % 3]; // f16 has no room for the others
  const x = Float32Array.from({ length: size(shape) }, () => scale * random.normal());
  return { x, rstd: Float32Array.from(statisticOf(shape, x, scale ** 2)) };
}

export const rmsNorm: KernelSpec<RmsNormProblem> = {
  name: 'rmsNorm',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    weightBinding,
    { name: 'y', access: 'write', type: 'f32', half: true, length: size },
    { name: 'rstd', access: 'write', type: 'f32', length: ({ rows }) => rows },
  ],
  params: { rows: 'u32', columns: 'u32', eps: 'f32' },
  values: ({ rows, columns, eps }) => ({ rows, columns, eps }),
  cost: (problem) => ({ flops: 4 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x, weight }) => {
    const { columns } = problem;
    const rstd = statisticOf(problem, x, problem.eps);
    const y = Float64Array.from(
      x,
      (value, i) => value * rstd[Math.floor(i / columns)] * (weight?.[i % columns] ?? 1),
    );
    return { y, rstd };
  },
  inputs: (problem, random) => ({ x: backwardInputs(problem, random).x }),
  awkward: shapes.flatMap((shape) => [
    { ...shape, weight: true, eps: 1e-12 },
    { ...shape, weight: false, eps: 1e-5 },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, { weight, f16 }) => shader(team, weight, f16),
  ),
  choose: chooseRowVariant,
};

export const rmsNormBackward: KernelSpec<RmsNormBackwardProblem> = {
  name: 'rmsNormBackward',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    weightBinding,
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'rstd', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'dx', access: 'write', type: 'f32', half: true, length: size },
  ],
  params: { rows: 'u32', columns: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns }),
  cost: (problem) => ({ flops: 9 * size(problem), bytes: 12 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x, weight, dy, rstd }) => {
    const { columns } = problem;
    const g = Float64Array.from(dy, (value, i) => value * (weight?.[i % columns] ?? 1));
    const dx = new Float64Array(size(problem));
    for (let start = 0; start < dx.length; start += columns) {
      const scale = rstd[start / columns];
      let product = 0;
      for (let i = start; i < start + columns; i++) product += g[i] * x[i] * scale;
      for (let i = start; i < start + columns; i++) {
        dx[i] = scale * (g[i] - (x[i] * scale * product) / columns);
      }
    }
    return { dx };
  },
  inputs: backwardInputs,
  awkward: shapes.flatMap((shape) => [
    { ...shape, weight: true },
    { ...shape, weight: false },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, { weight, f16 }) => backwardShader(team, weight, f16),
  ),
  choose: chooseRowVariant,
};

export const rmsNormParameters: KernelSpec<RowShape> = {
  name: 'rmsNormParameters',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'rstd', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'dweight', access: 'write', type: 'f32', length: (p) => blocks(p) * p.columns },
  ],
  params: { rows: 'u32', columns: 'u32', block: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns, block: rowBlock }),
  cost: (problem) => ({ flops: 3 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: () => rowBlock,
  reference: (problem, { x, dy, rstd }) => {
    const { columns } = problem;
    const dweight = new Float64Array(blocks(problem) * columns);
    for (let i = 0; i < x.length; i++) {
      const at = Math.floor(i / (columns * rowBlock)) * columns + (i % columns);
      dweight[at] += dy[i] * x[i] * rstd[Math.floor(i / columns)];
    }
    return { dweight };
  },
  inputs: backwardInputs,
  awkward: [...shapes, { rows: 64, columns: 64 }, { rows: 129, columns: 256 }],
  variants: [
    {
      name: 'column',
      supports: () => true,
      source: ({ f16 }) => parametersShader(1, f16),
      workgroups: (p) => spread(blocks(p) * Math.ceil(p.columns / 64)),
    },
    {
      name: 'column-vec4',
      supports: (_, { columns }) => columns % 4 === 0 || 'the columns are not a multiple of 4',
      source: ({ f16 }) => parametersShader(4, f16),
      workgroups: (p) => spread(blocks(p) * Math.ceil(p.columns / 256)),
    },
  ],
};
