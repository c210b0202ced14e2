/** The training step that libraries are asked to do alike: a masked language model, from ids to updated weights. */
import type { BertConfig } from '../../src/mlm/index.ts';

export interface Weight {
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly number[];
  /** Whether AdamW decays it. */
  readonly decays: boolean;
}

export interface TrainingTask {
  /** Post layer norm, exact GELU, learned positions for exactly T tokens, tied decoder with a bias, no dropout. */
  readonly config: BertConfig;
  readonly B: number;
  readonly T: number;
  /** [B·T], no padding among them. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** Flat places b·T + t of the tokens to predict. */
  readonly positions: Int32Array<ArrayBuffer>;
  /** The right ids at these places; their mean cross-entropy is the loss. */
  readonly labels: Int32Array<ArrayBuffer>;
  /** First values by Hugging Face's names. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/** AdamW as every library runs it; gradients are not clipped. */
export const optimizer = { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 };

export interface Training {
  /** Trains one step on the task's batch, and reads the loss before it. */
  step(): Promise<number>;
  close(): void;
}

/** The names of layer `i`. */
export const layerName = (i: number) => `bert.encoder.layer.${i}`;
