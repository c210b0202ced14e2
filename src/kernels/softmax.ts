/**
 * Softmax and log-softmax along the rows of a matrix, and their gradients.
 *
 * softmax: x → y, softmaxBackward: y, dy → dx; all [rows, columns]. With `log`, y is the logarithm.
 * Two sweeps over a row: maximum and sum, then the result; two for the gradient. Variants: see `rows.ts`.
 */
import { softmaxBackward as backwardShader, softmax as shader } from '../../shaders/softmax.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import type { KernelSpec } from './spec.ts';

export interface SoftmaxProblem extends RowShape {
  log: boolean;
}

const size = ({ rows, columns }: RowShape) => rows * columns;

const awkwardShapes: readonly RowShape[] = [
  { rows: 1, columns: 1 },
  { rows: 3, columns: 7 },
  { rows: 65, columns: 33 },
  { rows: 5, columns: 4097 },
  { rows: 7, columns: 4096 },
  { rows: 131, columns: 128 },
  { rows: 65_537, columns: 4 },
];
const awkward = awkwardShapes.flatMap((shape) => [
  { ...shape, log: false },
  { ...shape, log: true },
]);

/** Scores up to some 10⁴ in every other row, standard normal ones in the rest. */
function scores(shape: RowShape, random: { normal(): number }): Float32Array {
  return Float32Array.from({ length: size(shape) }, (_, i) =>
    Math.floor(i / shape.columns) % 2 === 1 ? 1e4 * random.normal() : random.normal(),
  );
}

/** log softmax of each row in float64. */
export function logSoftmaxReference(shape: RowShape, x: ArrayLike<number>): Float64Array {
  const y = new Float64Array(size(shape));
  for (let start = 0; start < y.length; start += shape.columns) {
    let top = -Infinity;
    for (let c = 0; c < shape.columns; c++) top = Math.max(top, x[start + c]);
    let sum = 0;
    for (let c = 0; c < shape.columns; c++) sum += Math.exp(x[start + c] - top);
    for (let c = 0; c < shape.columns; c++) y[start + c] = x[start + c] - top - Math.log(sum);
  }
  return y;
}

export const softmax: KernelSpec<SoftmaxProblem> = {
  name: 'softmax',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    { name: 'y', access: 'write', type: 'f32', half: true, length: size },
  ],
  params: { rows: 'u32', columns: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns }),
  cost: (problem) => ({ flops: 5 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x }) => {
    const y = logSoftmaxReference(problem, x);
    return { y: problem.log ? y : y.map(Math.exp) };
  },
  inputs: (problem, random) => ({ x: scores(problem, random) }),
  awkward,
  variants: rowVariants(
    (problem) => problem,
    (team, { log, f16 }) => shader(team, log, f16),
  ),
  choose: chooseRowVariant,
};

export const softmaxBackward: KernelSpec<SoftmaxProblem> = {
  name: 'softmaxBackward',
  bindings: [
    { name: 'y', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dx', access: 'write', type: 'f32', half: true, length: size },
  ],
  params: { rows: 'u32', columns: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns }),
  cost: (problem) => ({ flops: 4 * size(problem), bytes: 12 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: ({ rows, columns, log }, { y, dy }) => {
    const dx = new Float64Array(rows * columns);
    for (let start = 0; start < dx.length; start += columns) {
      let sum = 0;
      for (let i = start; i < start + columns; i++) sum += log ? dy[i] : dy[i] * y[i];
      for (let i = start; i < start + columns; i++) {
        dx[i] = log ? dy[i] - Math.exp(y[i]) * sum : y[i] * (dy[i] - sum);
      }
    }
    return { dx };
  },
  inputs: (problem, random) => {
    const y = logSoftmaxReference(problem, scores(problem, random));
    return { y: Float32Array.from(problem.log ? y : y.map(Math.exp)) };
  },
  awkward,
  variants: rowVariants(
    (problem) => problem,
    (team, { log, f16 }) => backwardShader(team, log, f16),
  ),
  choose: chooseRowVariant,
};
