/**
 * Functions of one element: y = f(x), and dx = dy f'(x) from the saved x or y, whichever the slope is simpler in.
 * `affine` is y = scale · x + shift, which serves every sum, difference, product and quotient with a number.
 *
 * All tensors: [count]. Variants: `scalar` (any count), `vec4` (count a multiple of 4).
 */
import {
  affine as affineShader,
  unaryBackward as backwardShader,
  unary as shader,
  type UnaryOp,
  unaryTexts,
} from '../../shaders/unary.ts';
import { elementVariants } from './elements.ts';
import { gelu, geluSlope, geluTanh, geluTanhSlope } from './gelu.ts';
import type { KernelSpec } from './spec.ts';

export type { UnaryOp };

export interface UnaryProblem {
  count: number;
  op: UnaryOp;
}

/** What the gradient needs to be given: the input or the output of the function. */
export function savedBy(op: UnaryOp): 'x' | 'y' {
  return unaryTexts[op].saved;
}

/** f(x), and f' as a function of what is saved. */
const functions: Readonly<Record<UnaryOp, { value(x: number): number; slope(saved: number): number }>> = {
  abs: { value: Math.abs, slope: Math.sign },
  exp: { value: Math.exp, slope: (y) => y },
  gelu: { value: gelu, slope: geluSlope },
  gelu_tanh: { value: geluTanh, slope: geluTanhSlope },
  log: { value: Math.log, slope: (x) => 1 / x },
  reciprocal: { value: (x) => 1 / x, slope: (y) => -y * y },
  relu: { value: (x) => Math.max(x, 0), slope: (y) => (y > 0 ? 1 : 0) },
  sigmoid: { value: (x) => 1 / (1 + Math.exp(-x)), slope: (y) => y * (1 - y) },
  sqrt: { value: Math.sqrt, slope: (y) => 0.5 / y },
  square: { value: (x) => x * x, slope: (x) => 2 * x },
  tanh: { value: Math.tanh, slope: (y) => 1 - y * y },
};

const ops = Object.keys(functions) as UnaryOp[];

/** Inputs at which all functions are defined and none has a kink or a pole. */
function ordinaryInputs(count: number, op: UnaryOp, random: { normal(): number }): Float32Array {
  const positive = op === 'log' || op === 'sqrt' || op === 'reciprocal';
  return Float32Array.from({ length: count }, () => {
    const x = random.normal();
    return positive ? Math.exp(x) : x + Math.sign(x) * 0.01;
  });
}

const awkward: readonly UnaryProblem[] = [
  ...ops.flatMap((op) => [1, 257, 260].map((count) => ({ count, op }))),
  { count: 4_194_500, op: 'relu' },
];

export const unary: KernelSpec<UnaryProblem> = {
  name: 'unary',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => p.count },
    { name: 'y', access: 'write', type: 'f32', half: true, length: (p) => p.count },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: count, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: ({ op }, { x }) => ({ y: Float64Array.from(x, functions[op].value) }),
  inputs: ({ count, op }, random) => ({ x: ordinaryInputs(count, op, random) }),
  awkward,
  variants: elementVariants((width, { op, f16 }) => shader(op, width, f16)),
};

export const unaryBackward: KernelSpec<UnaryProblem> = {
  name: 'unaryBackward',
  bindings: [
    { name: 'saved', access: 'read', type: 'f32', half: true, length: (p) => p.count },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: (p) => p.count },
    { name: 'dx', access: 'write', type: 'f32', half: true, length: (p) => p.count },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: 2 * count, bytes: 12 * count }),
  reductionLength: () => 1,
  reference: ({ op }, { saved, dy }) => ({
    dx: Float64Array.from(dy, (g, i) => g * functions[op].slope(saved[i])),
  }),
  inputs: ({ count, op }, random) => {
    const x = ordinaryInputs(count, op, random);
    return { saved: savedBy(op) === 'x' ? x : x.map(functions[op].value) };
  },
  awkward,
  variants: elementVariants((width, { op, f16 }) => backwardShader(op, width, f16)),
};

export interface AffineProblem {
  count: number;
  scale: number;
  shift: number;
}

export const affine: KernelSpec<AffineProblem> = {
  name: 'affine',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => p.count },
    { name: 'y', access: 'write', type: 'f32', half: true, length: (p) => p.count },
  ],
  params: { count: 'u32', scale: 'f32', shift: 'f32' },
  values: ({ count, scale, shift }) => ({ count, scale, shift }),
  cost: ({ count }) => ({ flops: 2 * count, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: ({ scale, shift }, { x }) => ({ y: Float64Array.from(x, (value) => scale * value + shift) }),
  awkward: [
    { count: 1, scale: 2, shift: 0.5 },
    { count: 257, scale: -1, shift: 0 },
    { count: 260, scale: 1, shift: -3 },
    { count: 4100, scale: 0.1, shift: 1e4 },
  ],
  variants: elementVariants((width, { f16 }) => affineShader(width, f16)),
};
