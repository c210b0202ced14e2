/**
 * What Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) needs besides matrix
 * products. `factor` is that of `clipFactor`: gradients are multiplied with it, and −1 says that nothing may change.
 *
 * muonMomentum: gradient, momentum, update: [count]. momentum moves towards the clipped gradient g by 1 − β; update is
 * Nesterov's look ahead, (1 − β) g + β momentum; zeros where the factor is −1.
 * matrixNormalize: x: matrices that begin `stride` elements apart, squares: the sum of squares of each. Divides each
 * matrix by its Frobenius norm + 1e-7, in place. What lies between the matrices is divided too.
 * scaleAddIdentity: y = b x + a I for each of the matrices x: [batch, size, size].
 * muonUpdate: value = value (1 − decay) − rate · update over [count]; hyper [2]: rate, decay.
 *
 * Variants: `scalar` takes any count, `vec4` a multiple of 4.
 */
import {
  matrixNormalize as matrixNormalizeShader,
  muonMomentum as muonMomentumShader,
  muonUpdate as muonUpdateShader,
  scaleAddIdentity as scaleAddIdentityShader,
} from '../../shaders/muon.ts';
import { elementVariants } from './elements.ts';
import { type KernelSpec, spread } from './spec.ts';

interface CountProblem {
  count: number;
}

export interface MuonMomentumProblem extends CountProblem {
  beta: number;
}

export interface MatrixNormalizeProblem extends CountProblem {
  stride: number;
}

export interface ScaleAddIdentityProblem {
  batch: number;
  size: number;
  a: number;
  b: number;
}

const whole = ({ count }: CountProblem) => count;

export const muonMomentum: KernelSpec<MuonMomentumProblem> = {
  name: 'muonMomentum',
  bindings: [
    { name: 'gradient', access: 'read', type: 'f32', length: whole },
    { name: 'factor', access: 'read', type: 'f32', length: () => 1 },
    { name: 'momentum', access: 'read-write', type: 'f32', length: whole },
    { name: 'update', access: 'write', type: 'f32', length: whole },
  ],
  params: { count: 'u32', beta: 'f32', share: 'f32' },
  values: ({ count, beta }) => ({ count, beta, share: 1 - beta }),
  cost: ({ count }) => ({ flops: 7 * count, bytes: 16 * count }),
  reductionLength: () => 1,
  inputs: ({ count }) => ({ factor: Float32Array.of(count === 5 ? -1 : 0.7) }),
  reference: ({ count, beta }, { gradient, factor, momentum }) => {
    const m = Float64Array.from(momentum);
    const update = new Float64Array(count);
    for (let i = 0; i < count && factor[0] >= 0; i++) {
      const g = gradient[i] * factor[0];
      m[i] = beta * m[i] + (1 - beta) * g;
      update[i] = (1 - beta) * g + beta * m[i];
    }
    return { momentum: m, update };
  },
  awkward: [1, 5, 1021, 4100].map((count) => ({ count, beta: 0.95 })),
  variants: elementVariants(muonMomentumShader),
};

export const matrixNormalize: KernelSpec<MatrixNormalizeProblem> = {
  name: 'matrixNormalize',
  bindings: [
    {
      name: 'squares',
      access: 'read',
      type: 'f32',
      length: ({ count, stride }) => Math.ceil(count / stride),
    },
    { name: 'x', access: 'read-write', type: 'f32', length: whole },
  ],
  params: { count: 'u32', stride: 'u32' },
  values: ({ count, stride }) => ({ count, stride }),
  cost: ({ count }) => ({ flops: count, bytes: 8 * count }),
  reductionLength: () => 1,
  inputs: ({ count, stride }, random) => ({
    // The first matrix is one of zeros.
    squares: new Float32Array(Math.ceil(count / stride)).map((_, i) => i && random.uniform()),
    x: new Float32Array(count).map((_, i) => (i < stride ? 0 : (i % 13) - 6)),
  }),
  reference: ({ stride }, { squares, x }) => ({
    x: Float64Array.from(x).map((value, i) => value / (Math.sqrt(squares[Math.floor(i / stride)]) + 1e-7)),
  }),
  awkward: [
    { count: 1, stride: 1 },
    { count: 1021, stride: 7 },
    { count: 4100, stride: 64 },
    { count: 260, stride: 128 },
    { count: 4_194_500, stride: 64 },
  ],
  variants: elementVariants<MatrixNormalizeProblem>(matrixNormalizeShader).map((variant) => ({
    ...variant,
    supports: (capabilities, problem) => {
      if (variant.name === 'vec4' && problem.stride % 4 !== 0) return 'the stride is not a multiple of 4';
      return variant.supports(capabilities, problem);
    },
  })),
};

const elementCount = ({ batch, size }: ScaleAddIdentityProblem) => batch * size * size;

export const scaleAddIdentity: KernelSpec<ScaleAddIdentityProblem> = {
  name: 'scaleAddIdentity',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: elementCount },
    { name: 'y', access: 'write', type: 'f32', length: elementCount },
  ],
  params: { count: 'u32', size: 'u32', a: 'f32', b: 'f32' },
  values: (p) => ({ count: elementCount(p), size: p.size, a: p.a, b: p.b }),
  cost: (p) => ({ flops: 2 * elementCount(p), bytes: 8 * elementCount(p) }),
  reductionLength: () => 1,
  reference: ({ size, a, b }, { x }) => ({
    y: Float64Array.from(x, (value, i) => b * value + (i % size === Math.floor(i / size) % size ? a : 0)),
  }),
  awkward: [
    { batch: 1, size: 1, a: 3, b: -4 },
    { batch: 4, size: 1, a: 3, b: -4 },
    { batch: 3, size: 2, a: 3, b: -4 },
    { batch: 2, size: 13, a: 3, b: -4 },
    { batch: 5, size: 66, a: 3, b: -4 },
    { batch: 1, size: 257, a: 3, b: -4 },
  ],
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: () => scaleAddIdentityShader(1),
      workgroups: (p) => spread(Math.ceil(elementCount(p) / 64)),
    },
    {
      name: 'vec4',
      supports: (_, p) => elementCount(p) % 4 === 0 || 'the count is not a multiple of 4',
      source: () => scaleAddIdentityShader(4),
      workgroups: (p) => spread(Math.ceil(elementCount(p) / 256)),
    },
  ],
};

export const muonUpdate: KernelSpec<CountProblem> = {
  name: 'muonUpdate',
  bindings: [
    { name: 'update', access: 'read', type: 'f32', length: whole },
    { name: 'hyper', access: 'read', type: 'f32', length: () => 2 },
    { name: 'factor', access: 'read', type: 'f32', length: () => 1 },
    { name: 'value', access: 'read-write', type: 'f32', length: whole },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 4 * count, bytes: 12 * count }),
  reductionLength: () => 1,
  inputs: ({ count }) => ({
    hyper: Float32Array.of(0.02, 0.01),
    factor: Float32Array.of(count === 5 ? -1 : 0.7),
  }),
  reference: (_, { update, hyper: [rate, decay], factor, value }) => ({
    value: Float64Array.from(value, (p, i) => (factor[0] < 0 ? p : p - decay * p - rate * update[i])),
  }),
  awkward: [{ count: 1 }, { count: 5 }, { count: 1021 }, { count: 4100 }],
  variants: elementVariants(muonUpdateShader),
};
