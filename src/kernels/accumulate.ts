/**
 * destination += source: adds one gradient to another, or to a parameter's slot of the gradient slab.
 *
 * source, destination: [count]. Variants: `scalar` (any count), `vec4` (count a multiple of 4).
 */
import { accumulate as shader } from '../../shaders/accumulate.ts';
import { turns } from './elements.ts';
import { type KernelSpec, spread } from './spec.ts';

export interface AccumulateProblem {
  count: number;
}

export const accumulate: KernelSpec<AccumulateProblem> = {
  name: 'accumulate',
  bindings: [
    { name: 'source', access: 'read', type: 'f32', half: true, length: (p) => p.count },
    { name: 'destination', access: 'read-write', type: 'f32', half: true, length: (p) => p.count },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: count, bytes: 12 * count }),
  reductionLength: () => 1,
  reference: ({ count }, { source, destination }) => ({
    destination: Float64Array.from({ length: count }, (_, i) => destination[i] + source[i]),
  }),
  awkward: [{ count: 1 }, { count: 63 }, { count: 64 }, { count: 257 }, { count: 4_194_500 }],
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: ({ f16 }) => shader(1, f16),
      workgroups: ({ count }, capabilities) => spread(Math.ceil(count / 64 / turns(capabilities))),
    },
    {
      name: 'vec4',
      supports: (_, { count }) => count % 4 === 0 || 'the count is not a multiple of 4',
      source: ({ f16 }) => shader(4, f16),
      workgroups: ({ count }, capabilities) => spread(Math.ceil(count / 256 / turns(capabilities))),
    },
  ],
};
