/**
 * x *= factor, a single number on the GPU: the gradient that arrives at a loss, applied to gradients that the forward
 * pass has made already. It is nearly always 1, and then nothing is read or written.
 *
 * factor: [1], x: [count]. At most {@link mostWorkgroups} workgroups sweep over x, so that a factor of 1 costs little.
 * Variants: `scalar` (any count), `vec4` (count a multiple of 4).
 */
import { scale as shader } from '../../shaders/scale.ts';
import type { KernelSpec, Variant, Workgroups } from './spec.ts';

export interface ScaleProblem {
  count: number;
}

const mostWorkgroups = 512;

const workgroupsOf = (count: number): Workgroups => [
  Math.max(1, Math.min(mostWorkgroups, Math.ceil(count / 256))),
  1,
  1,
];

const variant = (name: string, width: 1 | 4): Variant<ScaleProblem> => ({
  name,
  supports: (_, { count }) => count % width === 0 || 'the count is not a multiple of 4',
  source: () => shader(width),
  workgroups: ({ count }) => workgroupsOf(count),
});

export const scale: KernelSpec<ScaleProblem> = {
  name: 'scale',
  bindings: [
    { name: 'factor', access: 'read', type: 'f32', length: () => 1 },
    { name: 'x', access: 'read-write', type: 'f32', length: ({ count }) => count },
  ],
  params: { count: 'u32', invocations: 'u32' },
  values: ({ count }) => ({ count, invocations: 64 * workgroupsOf(count)[0] }),
  cost: ({ count }) => ({ flops: count, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: (_, { factor, x }) => ({ x: Float64Array.from(x, (value) => value * factor[0]) }),
  inputs: ({ count }) => ({ factor: Float32Array.of(count === 63 ? 1 : 0.3) }),
  awkward: [{ count: 1 }, { count: 63 }, { count: 64 }, { count: 131_073 }, { count: 131_076 }],
  variants: [variant('scalar', 1), variant('vec4', 4)],
};
