/**
 * One training step, from batches to updated weights: upload, forward, backward over each micro-batch, then clip and
 * AdamW. Everything is recorded and submitted without waiting; the numbers come back later.
 */
import { backward, crossEntropy, type Engine, indices, type Tensor } from '../autograd/index.ts';
import type { AdamW, Slab } from '../nn/index.ts';
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
  private readonly engine: Engine;
  private readonly model: BertForMaskedLM;
  private readonly slab: Slab;
  private readonly optimizer: AdamW;
  private readonly seed: number;

  constructor(parts: { model: BertForMaskedLM; slab: Slab; optimizer: AdamW; seed: number }) {
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
    const count = batches.reduce((total, batch) => total + batch.count, 0);
    this.model.train();
    this.slab.zeroGrad();
    const numbers = engine.scope(() => {
      const normalizer = engine.full([1], count);
      const parts: Tensor[] = [];
      batches.forEach((batch, micro) => {
        engine.seed(this.seed, step * batches.length + micro);
        const { loss, hits } = engine.scope(() => {
          const result = maskedLoss(engine, this.model, batch, normalizer);
          backward(result.loss);
          return result;
        }, `step ${step}`);
        parts.push(loss, hits);
      });
      this.optimizer.step(lr);
      return gather(engine, [...parts, this.optimizer.gradNorm]);
    });
    return this.read(numbers, count);
  }

  /** Loss and hits of one batch, recorded op by op for whoever looks for the first number that went wrong. */
  replay(batch: Batch, step: number): void {
    const { engine } = this;
    engine.seed(this.seed, step);
    this.model.train();
    engine.noGrad(() =>
      engine.scope(() => {
        maskedLoss(engine, this.model, batch, engine.full([1], batch.count));
      }),
    );
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
    return { loss, accuracy: count > 0 ? hits / count : 0, gradNorm: values[values.length - 1] };
  }
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
  const logits = model.forward(input, indices(engine, batch.maskedPositions, [B * M]));
  return engine.scope(() => crossEntropy(logits, engine.tensor(batch.labels), { normalizer }), 'loss');
}

/** Copies one-element tensors into one, so that a single read fetches them all. */
export function gather(engine: Engine, scalars: readonly Tensor[]): Tensor {
  const all = engine.empty([scalars.length]);
  scalars.forEach((scalar, i) => {
    engine.device.copy(scalar.view, { buffer: all.view.buffer, offset: all.view.offset + 4 * i, size: 4 });
  });
  return all;
}
