/**
 * What LAMB and an average of the weights add to the kernels of AdamW.
 *
 * trustRatio: partial sums of squares of a parameter and of its update, values and updates [count] each (`sumSquares` in
 * `reduce.ts`), lr [1] → hyper [2] = (lr · |value| / |update|, 0), what `muonUpdate` multiplies the update with; the ratio is 1
 * where either norm is 0. Variant: `serial`, for the partial sums are few.
 * movingAverage: value [count], share [1] → average += share · (value − average). Variants: `scalar`, `vec4`.
 */
import { movingAverage as averageShader, trustRatio as ratioShader } from '../../shaders/lamb.ts';
import { elementVariants } from './elements.ts';
import type { KernelSpec } from './spec.ts';

interface CountProblem {
  count: number;
}

const whole = ({ count }: CountProblem) => count;

export const trustRatio: KernelSpec<CountProblem> = {
  name: 'trustRatio',
  bindings: [
    { name: 'values', access: 'read', type: 'f32', length: whole },
    { name: 'updates', access: 'read', type: 'f32', length: whole },
    { name: 'lr', access: 'read', type: 'f32', length: () => 1 },
    { name: 'hyper', access: 'write', type: 'f32', length: () => 2 },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 2 * count, bytes: 8 * count }),
  reductionLength: whole,
  inputs: ({ count }, random) => ({
    values: Float32Array.from({ length: count }, () => random.uniform()),
    updates: Float32Array.from({ length: count }, () => (count === 5 ? 0 : random.uniform())),
    lr: Float32Array.of(0.01),
  }),
  reference: (_, { values, updates, lr }) => {
    const norm = (parts: ArrayLike<number>) =>
      Math.sqrt(Array.prototype.reduce.call(parts, (a, b) => a + b, 0) as number);
    const ratio = norm(values) > 0 && norm(updates) > 0 ? norm(values) / norm(updates) : 1;
    return { hyper: Float64Array.of(lr[0] * ratio, 0) };
  },
  awkward: [{ count: 1 }, { count: 5 }, { count: 1024 }],
  variants: [
    { name: 'serial', supports: () => true, source: () => ratioShader(), workgroups: () => [1, 1, 1] },
  ],
};

export const movingAverage: KernelSpec<CountProblem> = {
  name: 'movingAverage',
  bindings: [
    { name: 'value', access: 'read', type: 'f32', length: whole },
    { name: 'share', access: 'read', type: 'f32', length: () => 1 },
    { name: 'average', access: 'read-write', type: 'f32', length: whole },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 3 * count, bytes: 12 * count }),
  reductionLength: () => 1,
  inputs: () => ({ share: Float32Array.of(0.1) }),
  reference: (_, { value, share, average }) => ({
    average: Float64Array.from(average, (x, i) => x + share[0] * (value[i] - x)),
  }),
  awkward: [{ count: 1 }, { count: 1021 }, { count: 4100 }],
  variants: elementVariants((width) => averageShader(width)),
};
