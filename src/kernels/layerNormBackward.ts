/**
 * The gradients of layer normalisation. x is what was normalised: the sum, where a residual had been added.
 *
 * layerNormBackward: x, weight, dy, statistics → dx. With `dsum`, the gradient that reaches a residual sum by other ways,
 * dx includes it. With p > 0 also dbranch, the gradient of what was dropped out before it was added to the residual,
 * by the mask that the forward pass drew; with p = 0 that is dx itself.
 * layerNormParameters: x, dy, statistics → dweight and dbias of each block of {@link rowBlock} rows,
 * [blocks, columns]; a column sum finishes them. Two stages, so the order of addition never changes.
 *
 * Variants of the first: see `rows.ts`. Of the second: `column` and `column-vec4`, one or four columns an invocation.
 */
import {
  layerNormBackward as backwardShader,
  type LayerNormBackwardText,
  layerNormParameters as parametersShader,
} from '../../shaders/layerNorm.ts';
import { type DropoutUse, dropoutParams, dropoutReference, dropoutValues } from './dropout.ts';
import { backwardInputs, normalized, shapes } from './layerNormReference.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import { type KernelSpec, type Precision, spread } from './spec.ts';

export interface LayerNormBackwardProblem extends RowShape, DropoutUse {
  weight: boolean;
  dsum: boolean;
}

/** Rows that one invocation of layerNormParameters adds up. */
export const rowBlock = 64;

const size = ({ rows, columns }: RowShape) => rows * columns;
const blocks = ({ rows }: RowShape) => Math.ceil(rows / rowBlock);

const textOf = ({ weight, dsum, p, f16 }: LayerNormBackwardProblem & Precision): LayerNormBackwardText => ({
  weight,
  dsum,
  dropout: p > 0,
  f16,
});

export const layerNormBackward: KernelSpec<LayerNormBackwardProblem> = {
  name: 'layerNormBackward',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    {
      name: 'weight',
      access: 'read',
      type: 'f32',
      length: ({ columns }) => columns,
      when: ({ weight }) => weight,
    },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dsum', access: 'read', type: 'f32', half: true, length: size, when: ({ dsum }) => dsum },
    { name: 'statistics', access: 'read', type: 'f32', length: ({ rows }) => 2 * rows },
    { name: 'state', access: 'read', type: 'u32', length: () => 2, when: ({ p }) => p > 0 },
    { name: 'dx', access: 'write', type: 'f32', half: true, length: size },
    { name: 'dbranch', access: 'write', type: 'f32', half: true, length: size, when: ({ p }) => p > 0 },
  ],
  params: { rows: 'u32', columns: 'u32', ...dropoutParams },
  values: (problem) => ({ rows: problem.rows, columns: problem.columns, ...dropoutValues(problem) }),
  cost: (problem) => ({
    flops: (12 + Number(problem.dsum) + Number(problem.p > 0)) * size(problem),
    bytes: 4 * (3 + Number(problem.dsum) + Number(problem.p > 0)) * size(problem),
  }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { x, weight, dy, dsum, statistics, state }) => {
    const { columns } = problem;
    const n = normalized(problem, x, statistics);
    const g = Float64Array.from(dy, (value, i) => value * (weight?.[i % columns] ?? 1));
    const dx = new Float64Array(size(problem));
    for (let start = 0; start < dx.length; start += columns) {
      const rstd = statistics[(2 * start) / columns + 1];
      let sum = 0;
      let product = 0;
      for (let i = start; i < start + columns; i++) {
        sum += g[i];
        product += g[i] * n[i];
      }
      for (let i = start; i < start + columns; i++) {
        dx[i] = rstd * (g[i] - sum / columns - (n[i] * product) / columns) + (problem.dsum ? dsum[i] : 0);
      }
    }
    return { dx, ...(problem.p > 0 && { dbranch: dropoutReference(problem, dx, state) }) };
  },
  inputs: (problem, random) => ({
    ...backwardInputs(problem, random),
    ...(problem.p > 0 && { state: Uint32Array.of(random.below(2 ** 32), 7) }),
  }),
  awkward: shapes.flatMap((shape, i) => [
    { ...shape, weight: true, dsum: false, p: 0, layer: 0 },
    { ...shape, weight: false, dsum: false, p: 0, layer: 0 },
    { ...shape, weight: true, dsum: true, p: 0.1, layer: i },
    { ...shape, weight: true, dsum: i % 2 === 0, p: i % 2 === 0 ? 0 : 0.5, layer: i },
  ]),
  variants: rowVariants(
    (problem) => problem,
    (team, problem) => backwardShader(team, textOf(problem)),
  ),
  choose: chooseRowVariant,
};

export const layerNormParameters: KernelSpec<RowShape> = {
  name: 'layerNormParameters',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'statistics', access: 'read', type: 'f32', length: ({ rows }) => 2 * rows },
    { name: 'dweight', access: 'write', type: 'f32', length: (p) => blocks(p) * p.columns },
    { name: 'dbias', access: 'write', type: 'f32', length: (p) => blocks(p) * p.columns },
  ],
  params: { rows: 'u32', columns: 'u32', block: 'u32' },
  values: ({ rows, columns }) => ({ rows, columns, block: rowBlock }),
  cost: (problem) => ({ flops: 5 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: () => rowBlock,
  reference: (problem, inputs) => {
    const { columns } = problem;
    const n = normalized(problem, inputs.x, inputs.statistics);
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
