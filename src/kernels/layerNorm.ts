/**
 * Layer normalisation along the rows of a matrix (Ba, Kiros and Hinton, 2016) and its gradients.
 *
 * layerNorm: x [rows, columns], weight and bias [columns] or absent → y; also, per row, what backward needs:
 * rstd = 1 / √(variance + eps) with the biased variance, and offset = the mean less the row's first number. Counting
 * from the first number keeps the digits of a small spread around a large mean.
 * layerNormBackward: x, weight, dy, offset, rstd → dx.
 * layerNormParameters: x, dy, offset, rstd → dweight and dbias of each block of {@link rowBlock} rows,
 * [blocks, columns]; a column sum finishes them. Two stages, so the order of addition never changes.
 *
 * Variants of the first two: see `rows.ts`. Of the last: `column` and `column-vec4`, one or four columns an invocation.
 */
import {
  layerNormBackward as backwardShader,
  layerNormParameters as parametersShader,
  layerNorm as shader,
} from '../../shaders/layerNorm.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import { type KernelSpec, type NumberArray, spread } from './spec.ts';

export interface LayerNormProblem extends RowShape {
  eps: number;
  weight: boolean;
  bias: boolean;
}

export interface LayerNormBackwardProblem extends RowShape {
  weight: boolean;
}

/** Rows that one invocation of layerNormParameters adds up. */
export const rowBlock = 64;

const size = ({ rows, columns }: RowShape) => rows * columns;
const blocks = ({ rows }: RowShape) => Math.ceil(rows / rowBlock);

const shapes: readonly RowShape[] = [
  { rows: 1, columns: 1 },
  { rows: 3, columns: 7 },
  { rows: 65, columns: 33 },
  { rows: 66, columns: 260 },
  { rows: 3, columns: 4097 },
  { rows: 4, columns: 4097 },
  { rows: 5, columns: 4100 },
  { rows: 65_537, columns: 4 },
];

/** Standard normal numbers, or a spread of 10⁻⁶, or the finest spread that 100 leaves room for; by number of rows. */
function spreads(shape: RowShape, random: { normal(): number }): Float32Array {
  const [centre, spread] = [
    [0, 1],
    [0, 1e-6],
    [100, 1e-5],
  ][shape.rows % 3];
  return Float32Array.from({ length: size(shape) }, () => centre + spread * random.normal());
}

/** offset and rstd in float64; offset counts from the row's first number. */
function statistics({ rows, columns }: RowShape, x: NumberArray, eps: number) {
  const offset = new Float64Array(rows);
  const rstd = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const origin = x[row * columns];
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += x[row * columns + c] - origin;
    offset[row] = sum / columns;
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += (x[row * columns + c] - origin - offset[row]) ** 2;
    rstd[row] = 1 / Math.sqrt(squares / columns + eps);
  }
  return { offset, rstd };
}

/** (x − mean) rstd in float64. */
function normalised(
  { rows, columns }: RowShape,
  { x, offset, rstd }: Readonly<Record<string, NumberArray>>,
): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns);
    return (x[i] - x[row * columns] - offset[row]) * rstd[row];
  });
}

/** x with the statistics that the forward pass would have saved, in float32. */
function backwardInputs(shape: RowShape, random: { normal(): number }) {
  const x = spreads(shape, random);
  const { offset, rstd } = statistics(shape, x, 1e-12);
  return { x, offset: Float32Array.from(offset), rstd: Float32Array.from(rstd) };
}

export const layerNorm: KernelSpec<LayerNormProblem> = {
  name: 'layerNorm',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: size },
    {
      name: 'weight',
      access: 'read',
      type: 'f32',
      length: ({ columns }) => columns,
      when: ({ weight }) => weight,
    },
    { name: 'bias', access: 'read', type: 'f32', length: ({ columns }) => columns, when: ({ bias }) => bias },
    { name: 'y', access: 'write', type: 'f32', length: size },
    { name: 'offset', access: 'write', type: 'f32', length: ({ rows }) => rows },
    { name: 'rstd', access: 'write', type: 'f32', length: ({ rows }) => rows },
  ],
  params: { rows: 'u32', columns: 'u32', eps: 'f32' },
  values: ({ rows, columns, eps }) => ({ rows, columns, eps }),
  cost: (problem) => ({ flops: 8 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x, weight, bias }) => {
    const { offset, rstd } = statistics(problem, x, problem.eps);
    const y = normalised(problem, { x, offset, rstd }).map(
      (n, i) => n * (weight?.[i % problem.columns] ?? 1) + (bias?.[i % problem.columns] ?? 0),
    );
    return { y, offset, rstd };
  },
  inputs: (problem, random) => ({ x: spreads(problem, random) }),
  awkward: shapes.flatMap((shape) => [
    { ...shape, eps: 1e-12, weight: true, bias: true },
    { ...shape, eps: 1e-5, weight: false, bias: shape.columns > 100 },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, { weight, bias }) => shader(team, weight, bias),
  ),
  choose: chooseRowVariant,
};

export const layerNormBackward: KernelSpec<LayerNormBackwardProblem> = {
  name: 'layerNormBackward',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: size },
    {
      name: 'weight',
      access: 'read',
      type: 'f32',
      length: ({ columns }) => columns,
      when: ({ weight }) => weight,
    },
    { name: 'dy', access: 'read', type: 'f32', length: size },
    { name: 'offset', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'rstd', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'dx', access: 'write', type: 'f32', length: size },
  ],
  params: { rows: 'u32', columns: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns }),
  cost: (problem) => ({ flops: 12 * size(problem), bytes: 12 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, inputs) => {
    const { columns } = problem;
    const { weight, dy, rstd } = inputs;
    const n = normalised(problem, inputs);
    const g = Float64Array.from(dy, (value, i) => value * (weight?.[i % columns] ?? 1));
    const dx = new Float64Array(size(problem));
    for (let start = 0; start < dx.length; start += columns) {
      let sum = 0;
      let product = 0;
      for (let i = start; i < start + columns; i++) {
        sum += g[i];
        product += g[i] * n[i];
      }
      for (let i = start; i < start + columns; i++) {
        dx[i] = rstd[start / columns] * (g[i] - sum / columns - (n[i] * product) / columns);
      }
    }
    return { dx };
  },
  inputs: (problem, random) => backwardInputs(problem, random),
  awkward: shapes.flatMap((shape) => [
    { ...shape, weight: true },
    { ...shape, weight: false },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, { weight }) => backwardShader(team, weight),
  ),
  choose: chooseRowVariant,
};

export const layerNormParameters: KernelSpec<RowShape> = {
  name: 'layerNormParameters',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: size },
    { name: 'dy', access: 'read', type: 'f32', length: size },
    { name: 'offset', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'rstd', access: 'read', type: 'f32', length: ({ rows }) => rows },
    { name: 'dweight', access: 'write', type: 'f32', length: (p) => blocks(p) * p.columns },
    { name: 'dbias', access: 'write', type: 'f32', length: (p) => blocks(p) * p.columns },
  ],
  params: { rows: 'u32', columns: 'u32', block: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns, block: rowBlock }),
  cost: (problem) => ({ flops: 5 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: () => rowBlock,
  reference: (problem, inputs) => {
    const { columns } = problem;
    const n = normalised(problem, inputs);
    const dweight = new Float64Array(blocks(problem) * columns);
    const dbias = new Float64Array(blocks(problem) * columns);
    for (let i = 0; i < n.length; i++) {
      const at = Math.floor(i / (columns * rowBlock)) * columns + (i % columns);
      dweight[at] += inputs.dy[i] * n[i];
      dbias[at] += inputs.dy[i];
    }
    return { dweight, dbias };
  },
  inputs: (problem, random) => backwardInputs(problem, random),
  awkward: [...shapes, { rows: 64, columns: 64 }, { rows: 129, columns: 256 }],
  variants: [
    {
      name: 'column',
      supports: () => true,
      source: () => parametersShader(1),
      workgroups: (p) => spread(blocks(p) * Math.ceil(p.columns / 64)),
    },
    {
      name: 'column-vec4',
      supports: (_, { columns }) => columns % 4 === 0 || 'the columns are not a multiple of 4',
      source: () => parametersShader(4),
      workgroups: (p) => spread(blocks(p) * Math.ceil(p.columns / 256)),
    },
  ],
};
