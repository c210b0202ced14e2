/**
 * y = x · mask / (1 − p), where each mask element is 0 with probability p and 1 otherwise. Backward is the same
 * kernel on dy: the mask is a pure function of (seed, step, layer, element) and is drawn again, never stored.
 *
 * x, y: [count]; state: [seed, step], u32, in a buffer so that a recorded step draws new masks when it is replayed.
 * Element i is kept when number i of the stream (seed, step, layer) is at least p (`random.ts`).
 * Variants: `scalar` (any count), `vec4` (count a multiple of 4; one call of the generator serves four elements).
 */
import { dropout as shader } from '../../shaders/dropout.ts';
import { elementVariants } from './elements.ts';
import { Random } from './random.ts';
import type { KernelSpec, NumberArray } from './spec.ts';

export interface DropoutUse {
  /** Probability of dropping an element, from 0 to less than 1. */
  p: number;
  /** Sets one use of dropout apart from the others in a step. */
  layer: number;
}

export interface DropoutProblem extends DropoutUse {
  count: number;
}

/** Parameters of every kernel that drops elements on its way. */
export const dropoutParams = { layer: 'u32', threshold: 'u32', scale: 'f32' } as const;

export function dropoutValues({ p, layer }: DropoutUse) {
  return { layer, threshold: Math.ceil(p * 2 ** 24), scale: 1 / (1 - p) };
}

/** x after dropout, in float64. */
export function dropoutReference({ p, layer }: DropoutUse, x: NumberArray, state: NumberArray): Float64Array {
  const random = new Random(state[0], state[1], layer);
  return Float64Array.from(x, (value) => (random.uniform() >= p ? value / (1 - p) : 0));
}

export const dropout: KernelSpec<DropoutProblem> = {
  name: 'dropout',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (d) => d.count },
    { name: 'state', access: 'read', type: 'u32', length: () => 2 },
    { name: 'y', access: 'write', type: 'f32', half: true, length: (d) => d.count },
  ],
  params: { count: 'u32', ...dropoutParams },
  values: (problem) => ({ count: problem.count, ...dropoutValues(problem) }),
  cost: ({ count }) => ({ flops: count, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: (problem, { x, state }) => ({ y: dropoutReference(problem, x, state) }),
  inputs: (_, random) => ({ state: Uint32Array.of(random.below(2 ** 32), 7) }),
  untimed: ['layer'],
  awkward: [
    { count: 1, p: 0.5, layer: 0 },
    { count: 257, p: 0.1, layer: 3 },
    { count: 256, p: 0.1, layer: 4_000_000_000 },
    { count: 1028, p: 0, layer: 1 },
    { count: 4_194_500, p: 0.9, layer: 2 },
  ],
  variants: elementVariants((width, { f16 }) => shader(width, f16)),
};
