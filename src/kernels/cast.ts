/**
 * y = x, from f32 to f16 or back. Rounds to the nearest f16, the even one of two; what is beyond its range becomes infinite.
 *
 * x, y: [count]. Variants: `scalar` (any count), `vec4` (count a multiple of 4).
 */
import { cast as shader } from '../../shaders/cast.ts';
import { elementVariants } from './elements.ts';
import type { KernelSpec } from './spec.ts';

export interface CastProblem {
  count: number;
}

export const cast: KernelSpec<CastProblem> = {
  name: 'cast',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: ({ count }) => count },
    { name: 'y', access: 'write', type: 'f32', half: true, length: ({ count }) => count },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 0, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: (_, { x }) => ({ y: Float64Array.from(x) }),
  // Every sixth number is too large for f16, every seventh subnormal in it.
  inputs: ({ count }, random) => ({
    x: Float32Array.from(
      { length: count },
      (_, i) => random.normal() * (i % 6 === 5 ? 1e6 : i % 7 === 6 ? 1e-6 : 1),
    ),
  }),
  awkward: [{ count: 1 }, { count: 257 }, { count: 260 }, { count: 4_194_500 }],
  variants: elementVariants((width, { f16 }) => shader(width, f16)),
};
