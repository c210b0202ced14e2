/**
 * The gate of a gated feed-forward network: y = gelu(a) b, where a is the first half of each row of x and b the second
 * (Shazeer, "GLU Variants Improve Transformer", 2020), and its gradient.
 *
 * geglu: x [rows, 2 · columns] → y [rows, columns]. gegluBackward: x, dy → dx, which computes gelu(a) again.
 * Variants: `scalar` (anything), `vec4` (columns a multiple of 4).
 */
import { gegluBackward as backwardShader, geglu as shader } from '../../shaders/geglu.ts';
import { gelu, geluSlope, geluTanh, geluTanhSlope } from './gelu.ts';
import type { RowShape } from './rows.ts';
import { type KernelSpec, spread, type Variant } from './spec.ts';

export interface GegluProblem extends RowShape {
  approximate: 'none' | 'tanh';
}

const size = ({ rows, columns }: RowShape) => rows * columns;

const functions = {
  none: { value: gelu, slope: geluSlope },
  tanh: { value: geluTanh, slope: geluTanhSlope },
};

function gateVariants(
  source: (approximate: 'none' | 'tanh', width: 1 | 4, f16?: readonly string[]) => string,
): Variant<GegluProblem>[] {
  return [
    {
      name: 'scalar',
      supports: () => true,
      source: ({ approximate, f16 }) => source(approximate, 1, f16),
      workgroups: (problem) => spread(Math.ceil(size(problem) / 64)),
    },
    {
      name: 'vec4',
      supports: (_, { columns }) => columns % 4 === 0 || 'the columns are not a multiple of 4',
      source: ({ approximate, f16 }) => source(approximate, 4, f16),
      workgroups: (problem) => spread(Math.ceil(size(problem) / 256)),
    },
  ];
}

const awkward: readonly GegluProblem[] = (['none', 'tanh'] as const).flatMap((approximate) => [
  { rows: 1, columns: 1, approximate },
  { rows: 7, columns: 37, approximate },
  { rows: 3, columns: 260, approximate },
  { rows: 65_537, columns: 4, approximate },
  { rows: 3, columns: 1_400_001, approximate },
]);

export const geglu: KernelSpec<GegluProblem> = {
  name: 'geglu',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => 2 * size(p) },
    { name: 'y', access: 'write', type: 'f32', half: true, length: size },
  ],
  params: { count: 'u32', columns: 'u32' },
  values: (p) => ({ count: size(p), columns: p.columns }),
  cost: (p) => ({ flops: 2 * size(p), bytes: 12 * size(p) }),
  reductionLength: () => 1,
  reference: (p, { x }) => ({
    y: Float64Array.from({ length: size(p) }, (_, i) => {
      const first = i + Math.floor(i / p.columns) * p.columns;
      return functions[p.approximate].value(x[first]) * x[first + p.columns];
    }),
  }),
  awkward,
  variants: gateVariants(shader),
};

export const gegluBackward: KernelSpec<GegluProblem> = {
  name: 'gegluBackward',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => 2 * size(p) },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: size },
    { name: 'dx', access: 'write', type: 'f32', half: true, length: (p) => 2 * size(p) },
  ],
  params: { count: 'u32', columns: 'u32' },
  values: (p) => ({ count: size(p), columns: p.columns }),
  cost: (p) => ({ flops: 5 * size(p), bytes: 20 * size(p) }),
  reductionLength: () => 1,
  reference: (p, { x, dy }) => {
    const dx = new Float64Array(2 * size(p));
    const { value, slope } = functions[p.approximate];
    for (let i = 0; i < size(p); i++) {
      const first = i + Math.floor(i / p.columns) * p.columns;
      dx[first] = dy[i] * x[first + p.columns] * slope(x[first]);
      dx[first + p.columns] = dy[i] * value(x[first]);
    }
    return { dx };
  },
  awkward,
  variants: gateVariants(backwardShader),
};
