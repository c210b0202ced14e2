/**
 * One training step, from batches to updated weights: upload, forward, backward over each micro-batch, then clip and
 * update. Everything is recorded and submitted without waiting; the numbers come back later.
 */
import { backward, type Engine, indices, type Tensor } from '../autograd/index.ts';
import type { Optimizer, Slab } from '../nn/index.ts';
import type { Batch } from './batch.ts';
import type { BertForMaskedLM } from './bert/heads.ts';
import { bertInput } from './bert/input.ts';

/** What a step tells about itself. */
export interface StepMetrics {
  /** Mean cross-entropy over all masked tokens of the step, in nats. */
  loss: number;
  /** Share of them predicted right. */
  accuracy: number;
  /** Global norm of the gradients before clipping. */
  gradNorm: number;
}

export class TrainingStep {
  readonly model: BertForMaskedLM;
  readonly slab: Slab;
  private readonly engine: Engine;
  private readonly optimizer: Optimizer;
  private readonly seed: number;

  constructor(parts: { model: BertForMaskedLM; slab: Slab; optimizer: Optimizer; seed: number }) {
    this.engine = parts.slab.engine;
    this.model = parts.model;
    this.slab = parts.slab;
    this.optimizer = parts.optimizer;
    this.seed = parts.seed;
  }

  /**
   * Records and submits step number `step` (from 1) over its micro-batches. The loss is Σ cross-entropy over the number
   * of masked tokens in all of them, so that k micro-batches give the gradient of one large batch; a mean of
   * their means would not.
   */
  run(batches: readonly Batch[], step: number, lr: number): Promise<StepMetrics> {
    const { engine } = this;
    this.slab.zeroGrad();
    const numbers = engine.scope(() => {
      const parts = batches.flatMap((_, micro) => {
        const { loss, hits } = this.accumulate(batches, step, micro);
        return [loss, hits];
      });
      this.optimizer.step(lr);
      return gather(engine, [...parts, this.optimizer.gradNorm]);
    }, `step ${step}`);
    return this.read(numbers, maskedTokens(batches));
  }

  /** Forward and backward of one micro-batch of a step: adds its share to the gradients. */
  accumulate(batches: readonly Batch[], step: number, micro: number): { loss: Tensor; hits: Tensor } {
    const { engine } = this;
    this.model.train();
    engine.seed(this.seed, step * batches.length + micro);
    return engine.scope(() => {
      const normalizer = engine.full([1], maskedTokens(batches));
      const result = maskedLoss(engine, this.model, batches[micro], normalizer);
      backward(result.loss);
      return { loss: result.loss, hits: result.hits };
    }, `batch ${micro}`);
  }

  private async read(numbers: Tensor, count: number): Promise<StepMetrics> {
    const values = await numbers.data();
    numbers.dispose();
    let loss = 0;
    let hits = 0;
    for (let i = 0; i + 1 < values.length; i += 2) {
      loss += values[i];
      hits += values[i + 1];
    }
    return { loss, accuracy: hits / count, gradNorm: values[values.length - 1] };
  }
}

/** How many tokens the batches ask for; 1 where they ask for none, since sums are divided by it. */
function maskedTokens(batches: readonly Batch[]): number {
  return Math.max(
    1,
    batches.reduce((total, batch) => total + batch.count, 0),
  );
}

/** Cross-entropy of the masked tokens of a batch over `normalizer`, and how many were predicted right. */
export function maskedLoss(
  engine: Engine,
  model: BertForMaskedLM,
  batch: Batch,
  normalizer: Tensor,
): { loss: Tensor; hits: Tensor } {
  const { B, T, M } = batch;
  const input = bertInput(
    engine,
    { ids: batch.inputIds, attentionMask: batch.attentionMask, shape: [B, T] },
    model.config,
  );
  const positions = indices(engine, batch.maskedPositions, [B * M]);
  return model.loss(input, positions, engine.tensor(batch.labels), { normalizer });
}

/** Copies one-element tensors into one, so that a single read fetches them all. */
export function gather(engine: Engine, scalars: readonly Tensor[]): Tensor {
  const all = engine.empty([scalars.length]);
  scalars.forEach((scalar, i) => {
    engine.device.copy(scalar.view, { buffer: all.view.buffer, offset: all.view.offset + 4 * i, size: 4 });
  });
  return all;
}
