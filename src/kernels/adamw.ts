/**
 * Clipping by the global norm, and AdamW, over flat ranges of a slab. The partial sums of squares come from `sumSquares`
 * in `reduce.ts`.
 *
 * clipFactor: partials [count] → norm [1], factor [1] = min(1, maxNorm / (norm + 1e-6)) as
 * torch.nn.utils.clip_grad_norm_ has it; maxNorm 0 clips nothing; a norm that is not finite gives the factor −1, by
 * which adamw knows to change nothing. scale [1], where gradients carry one: norm and factor are of the gradients over it.
 * adamw: decay first, then the moments with bias correction, eps added after the root, as torch.optim.AdamW
 * (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019). hyper [8]: lr, beta2, 1 − beta1, 1 − beta2, eps,
 * weightDecay, 1 − beta1^t, sqrt(1 − beta2^t); they live in a buffer so that a new rate neither compiles nor binds anything.
 *
 * Variants: `scalar` takes any count, `vec4` a multiple of 4.
 */
import { adamw as adamwShader, clipFactor as clipShader } from '../../shaders/adamw.ts';
import { elementVariants } from './elements.ts';
import type { KernelSpec } from './spec.ts';

interface CountProblem {
  count: number;
}

export interface ClipFactorProblem extends CountProblem {
  maxNorm: number;
  /** Whether the gradients carry a scale. */
  scaled: boolean;
}

const whole = ({ count }: CountProblem) => count;

export const clipFactor: KernelSpec<ClipFactorProblem> = {
  name: 'clipFactor',
  bindings: [
    { name: 'partials', access: 'read', type: 'f32', length: whole },
    { name: 'scale', access: 'read', type: 'f32', length: () => 1, when: ({ scaled }) => scaled },
    { name: 'norm', access: 'write', type: 'f32', length: () => 1 },
    { name: 'factor', access: 'write', type: 'f32', length: () => 1 },
  ],
  params: { count: 'u32', maxNorm: 'f32' },
  values: ({ count, maxNorm }) => ({ count, maxNorm }),
  cost: ({ count }) => ({ flops: count, bytes: 4 * count }),
  reductionLength: whole,
  inputs: ({ count }, random) => ({
    partials: Float32Array.from({ length: count }, () => random.uniform()),
    scale: Float32Array.of(1024),
  }),
  reference: ({ maxNorm, scaled }, { partials, scale }) => {
    const unscale = scaled ? 1 / scale[0] : 1;
    const norm = Math.sqrt(Float64Array.from(partials).reduce((sum, part) => sum + part, 0)) * unscale;
    const factor = maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
    return { norm: Float64Array.of(norm), factor: Float64Array.of(factor * unscale) };
  },
  awkward: [
    { count: 1024, maxNorm: 1, scaled: false },
    { count: 3072, maxNorm: 1e6, scaled: false },
    { count: 1024, maxNorm: 0, scaled: false },
    { count: 1024, maxNorm: 0.01, scaled: true },
    { count: 1024, maxNorm: 0, scaled: true },
  ],
  variants: [
    {
      name: 'serial',
      supports: () => true,
      source: ({ scaled }) => clipShader(scaled),
      workgroups: () => [1, 1, 1],
    },
  ],
};

export const adamw: KernelSpec<CountProblem> = {
  name: 'adamw',
  bindings: [
    { name: 'gradient', access: 'read', type: 'f32', length: whole },
    { name: 'hyper', access: 'read', type: 'f32', length: () => 8 },
    { name: 'factor', access: 'read', type: 'f32', length: () => 1 },
    { name: 'value', access: 'read-write', type: 'f32', length: whole },
    { name: 'expAvg', access: 'read-write', type: 'f32', length: whole },
    { name: 'expAvgSq', access: 'read-write', type: 'f32', length: whole },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 14 * count, bytes: 28 * count }),
  reductionLength: () => 1,
  inputs: ({ count }, random) => ({
    hyper: Float32Array.of(1e-3, 0.999, 0.1, 0.001, 1e-8, 0.01, 1 - 0.9 ** 3, Math.sqrt(1 - 0.999 ** 3)),
    factor: Float32Array.of(count === 5 ? -1 : 0.7),
    expAvgSq: Float32Array.from({ length: count }, () => random.uniform()),
  }),
  reference: ({ count }, { gradient, hyper, factor, value, expAvg, expAvgSq }) => {
    const [lr, beta2, share1, share2, eps, weightDecay, correction1, correction2] = hyper;
    const [p, m, v] = [Float64Array.from(value), Float64Array.from(expAvg), Float64Array.from(expAvgSq)];
    for (let i = 0; i < count && factor[0] >= 0; i++) {
      const g = gradient[i] * factor[0];
      m[i] += share1 * (g - m[i]);
      v[i] = beta2 * v[i] + share2 * g * g;
      p[i] -= lr * weightDecay * p[i];
      p[i] -= ((lr / correction1) * m[i]) / (Math.sqrt(v[i]) / correction2 + eps);
    }
    return { value: p, expAvg: m, expAvgSq: v };
  },
  awkward: [{ count: 1 }, { count: 5 }, { count: 1021 }, { count: 4100 }],
  variants: elementVariants(adamwShader),
};
