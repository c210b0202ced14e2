/**
 * AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019) over the flat segments of a slab, with
 * the global gradient norm clipped on the way. Nothing is read back: the norm and the factor stay on the GPU.
 */
import type { Tensor } from '../autograd/index.ts';
import { adamw, clipFactor, sumSquares, sumSquaresPartials } from '../kernels/index.ts';
import type { Segment, Slab } from './slab.ts';

export interface AdamWOptions {
  lr: number;
  betas?: readonly [number, number];
  eps?: number;
  weightDecay?: number;
  /** The global norm above which gradients are scaled down; 0 leaves them alone. */
  maxGradNorm?: number;
  /** Learning-rate factor and weight decay of a segment's group; default: `no-decay` gets no decay. */
  groups?: (group: string) => { lrScale?: number; weightDecay?: number };
}
