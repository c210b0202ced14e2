/** What a training step, a trainer and a checkpoint need to know of an optimiser. */
import type { Tensor } from '../autograd/index.ts';
import type { Slab } from './slab.ts';

export interface Optimizer {
  /** Steps done; set when a run goes on. */
  steps: number;
  /** Global norm of the gradients of the last step, before clipping: one number. */
  readonly gradNorm: Tensor;
  /** All that an optimiser remembers from step to step besides their number. */
  readonly state: readonly OptimizerState[];
  /** Updates every parameter from its gradient at learning rate `lr`; changes nothing when the norm is not finite. */
  step(lr: number): void;
  /** The first half of `step`: counts it and uploads what follows from its number and learning rate. */
  prepare(lr: number): void;
  /** The second half, on the GPU alone, so that it can be captured. */
  update(): void;
  dispose(): void;
}

/** One quantity that is kept for each value of some parameters, such as a moment of its gradients. */
export interface OptimizerState {
  /** The name that PyTorch's optimiser of the same name gives it. */
  readonly name: string;
  /** The parameters that have it. */
  readonly slab: Slab;
  /** Flat, one tensor a segment of `slab`. */
  readonly flat: readonly Tensor[];
}
