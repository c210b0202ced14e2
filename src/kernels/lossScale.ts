/**
 * The next step's loss scale, from whether this one's gradients were finite: as torch.amp.GradScaler has it, and between
 * `least` and `most`.
 *
 * factor [1]: −1 where the gradients were not finite, from `clipFactor`; scale [1] and goodSteps [1] are changed.
 * Variant: `serial`, a single invocation.
 */
import { lossScale as shader } from '../../shaders/lossScale.ts';
import type { KernelSpec } from './spec.ts';

export interface LossScaleProblem {
  /** What the scale is multiplied with after `interval` good steps, and after one that was not. */
  growth: number;
  backoff: number;
  interval: number;
  least: number;
  most: number;
}

const awkward = (interval: number, least = 1, most = 2 ** 24): LossScaleProblem => ({
  growth: 2,
  backoff: 0.5,
  interval,
  least,
  most,
});

export const lossScale: KernelSpec<LossScaleProblem> = {
  name: 'lossScale',
  bindings: [
    { name: 'factor', access: 'read', type: 'f32', length: () => 1 },
    { name: 'scale', access: 'read-write', type: 'f32', length: () => 1 },
    { name: 'goodSteps', access: 'read-write', type: 'u32', length: () => 1 },
  ],
  params: { growth: 'f32', backoff: 'f32', interval: 'u32', least: 'f32', most: 'f32' },
  values: (problem) => ({ ...problem }),
  cost: () => ({ flops: 1, bytes: 20 }),
  reductionLength: () => 1,
  reference: ({ growth, backoff, interval, least, most }, { factor, scale, goodSteps }) => {
    if (factor[0] < 0) {
      return { scale: Float64Array.of(Math.max(least, scale[0] * backoff)), goodSteps: Uint32Array.of(0) };
    }
    const due = goodSteps[0] + 1 >= interval;
    return {
      scale: Float64Array.of(due ? Math.min(most, scale[0] * growth) : scale[0]),
      goodSteps: Uint32Array.of(due ? 0 : goodSteps[0] + 1),
    };
  },
  // Seven good steps so far; an interval below three means that this one was not.
  inputs: ({ interval }) => ({
    factor: Float32Array.of(interval < 3 ? -1 : 0.3),
    scale: Float32Array.of(1024),
    goodSteps: Uint32Array.of(7),
  }),
  awkward: [awkward(2000), awkward(8), awkward(2), awkward(8, 1, 1024), awkward(2, 1024)],
  variants: [{ name: 'serial', supports: () => true, source: () => shader, workgroups: () => [1, 1, 1] }],
};
