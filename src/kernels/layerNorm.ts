/**
 * Layer normalisation along the rows of a matrix (Ba, Kiros and Hinton, 2016), alone or of a residual sum.
 *
 * x [rows, columns], weight and bias [columns] or absent → y; and `statistics` [rows, 2], what backward needs of each row:
 * its mean less its first number, and rstd = 1 / √(variance + eps) with the biased variance. Counting from the first
 * number keeps the digits of a small spread around a large mean. Two sweeps over a row.
 *
 * With `residual` [rows, columns], what is normalised is sum = residual + dropout(x), which is written as well; the mask
 * is that of the kernel `dropout` with the same `state`, `p` and `layer`. One pass over memory instead of three.
 *
 * Variants: see `rows.ts`.
 */
import { type LayerNormText, layerNorm as shader } from '../../shaders/layerNorm.ts';
import { type DropoutUse, dropoutParams, dropoutReference, dropoutValues } from './dropout.ts';
import { normalized, shapes, spreads, statisticsOf } from './layerNormReference.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import type { KernelSpec, Precision } from './spec.ts';

export interface LayerNormProblem extends RowShape, DropoutUse {
  eps: number;
  weight: boolean;
  bias: boolean;
  /** Whether x is added to a residual first; without one nothing is dropped and p is 0. */
  residual: boolean;
}

const size = ({ rows, columns }: RowShape) => rows * columns;

const textOf = ({ weight, bias, residual, p, f16 }: LayerNormProblem & Precision): LayerNormText => ({
  weight,
  bias,
  residual,
  dropout: p > 0,
  f16,
});

export const layerNorm: KernelSpec<LayerNormProblem> = {
  name: 'layerNorm',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    {
      name: 'residual',
      access: 'read',
      type: 'f32',
      half: true,
      length: size,
      when: ({ residual }) => residual,
    },
    { name: 'state', access: 'read', type: 'u32', length: () => 2, when: ({ p }) => p > 0 },
    {
      name: 'weight',
      access: 'read',
      type: 'f32',
      length: ({ columns }) => columns,
      when: ({ weight }) => weight,
    },
    { name: 'bias', access: 'read', type: 'f32', length: ({ columns }) => columns, when: ({ bias }) => bias },
    { name: 'y', access: 'write', type: 'f32', half: true, length: size },
    { name: 'sum', access: 'write', type: 'f32', half: true, length: size, when: ({ residual }) => residual },
    { name: 'statistics', access: 'write', type: 'f32', length: ({ rows }) => 2 * rows },
  ],
  params: { rows: 'u32', columns: 'u32', eps: 'f32', ...dropoutParams },
  values: (problem) => {
    const { rows, columns, eps } = problem;
    return { rows, columns, eps, ...dropoutValues(problem) };
  },
  cost: (problem) => {
    const touched = problem.residual ? 4 : 2;
    return { flops: (6 + touched) * size(problem), bytes: 4 * touched * size(problem) };
  },
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x, residual, state, weight, bias }) => {
    const { columns, eps } = problem;
    const branch = problem.p > 0 ? dropoutReference(problem, x, state) : x;
    const sum = problem.residual ? Float64Array.from(branch, (value, i) => value + residual[i]) : x;
    const statistics = statisticsOf(problem, sum, eps);
    const y = normalized(problem, sum, statistics).map(
      (n, i) => n * (weight?.[i % columns] ?? 1) + (bias?.[i % columns] ?? 0),
    );
    return { y, statistics, ...(problem.residual && { sum }) };
  },
  inputs: (problem, random) => ({
    ...(problem.p > 0 && { state: Uint32Array.of(random.below(2 ** 32), 7) }),
    // A sum is rounded before it is normalised, and ordinary numbers keep that below the tolerance.
    ...(!problem.residual && { x: spreads(problem, random) }),
  }),
  awkward: shapes.flatMap((shape, i) => [
    { ...shape, eps: 1e-12, weight: true, bias: true, residual: false, p: 0, layer: 0 },
    { ...shape, eps: 1e-5, weight: false, bias: shape.columns > 100, residual: false, p: 0, layer: 0 },
    { ...shape, eps: 1e-5, weight: true, bias: true, residual: true, p: 0.1, layer: i },
    { ...shape, eps: 1e-5, weight: i % 2 === 0, bias: false, residual: true, p: 0, layer: 0 },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, problem) => shader(team, textOf(problem)),
  ),
  choose: chooseRowVariant,
};
