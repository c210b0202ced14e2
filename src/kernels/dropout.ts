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
import type { KernelSpec } from './spec.ts';

export interface DropoutProblem {
  count: number;
  /** Probability of dropping an element, from 0 to less than 1. */
  p: number;
  /** Sets one use of dropout apart from the others in a step. */
  layer: number;
}

export const dropout: KernelSpec<DropoutProblem> = {
  name: 'dropout',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: (d) => d.count },
    { name: 'state', access: 'read', type: 'u32', length: () => 2 },
    { name: 'y', access: 'write', type: 'f32', length: (d) => d.count },
  ],
  params: { count: 'u32', layer: 'u32', threshold: 'u32', scale: 'f32' },
  values: ({ count, p, layer }) => ({ count, layer, threshold: Math.ceil(p * 2 ** 24), scale: 1 / (1 - p) }),
  cost: ({ count }) => ({ flops: count, bytes: 8 * count }),
  reductionLength: () => 1,
  reference: ({ count, p, layer }, { x, state }) => {
    const random = new Random(state[0], state[1], layer);
    return {
      y: Float64Array.from({ length: count }, (_, i) => (random.uniform() >= p ? x[i] / (1 - p) : 0)),
    };
  },
  inputs: (_, random) => ({ state: Uint32Array.of(random.below(2 ** 32), 7) }),
  untimed: ['layer'],
  awkward: [
    { count: 1, p: 0.5, layer: 0 },
    { count: 257, p: 0.1, layer: 3 },
    { count: 256, p: 0.1, layer: 4_000_000_000 },
    { count: 1028, p: 0, layer: 1 },
    { count: 4_194_500, p: 0.9, layer: 2 },
  ],
  variants: elementVariants((width) => shader(width)),
};
