/**
 * One training step, from batches to updated weights: upload, forward, backward over each micro-batch, then clip and
 * update. Everything is submitted without waiting; the numbers come back later. The work of a micro-batch and of the
 * update is captured: the third of each shape is a replay.
 */
import { backward, type CapturedStep, type Engine, type Tensor } from '../autograd/index.ts';
import type { Optimizer, Slab } from '../nn/index.ts';
import type { Batch } from './batch.ts';
import { type BatchInputs, maskedLoss, rewriteBatch, uploadBatch } from './batchInputs.ts';
import type { BertForMaskedLM } from './bert/heads.ts';

/** What a step tells about itself. */
export interface StepMetrics {
  /** Mean cross-entropy over all masked tokens of the step, in nats. */
  loss: number;
  /** Share of them predicted right. */
  accuracy: number;
  /** Global norm of the gradients before clipping. */
  gradNorm: number;
}

/** The captured work of micro-batches of one shape, and the tensors into which they are written. */
interface MicroBatch {
  inputs: BatchInputs;
  accumulate: CapturedStep<BatchInputs, { loss: Tensor; hits: Tensor }>;
}

/** Shapes of micro-batches that are remembered; each holds the memory of its forward and backward pass. */
const rememberedShapes = 4;

export class TrainingStep {
  readonly model: BertForMaskedLM;
  readonly slab: Slab;
  private readonly engine: Engine;
  private readonly optimizer: Optimizer;
  private readonly seed: number;
  /** By shape, the one used last at the end. */
  private readonly microBatches = new Map<string, MicroBatch>();
  private readonly update: CapturedStep<Record<string, never>, void>;

  constructor(parts: { model: BertForMaskedLM; slab: Slab; optimizer: Optimizer; seed: number }) {
    const { model, slab, optimizer, seed } = parts;
    this.engine = slab.engine;
    this.model = model;
    this.slab = slab;
    this.optimizer = optimizer;
    this.seed = seed;
    this.update = this.engine.capture(() => optimizer.update(), 'update');
  }

  /**
   * Submits step number `step` (from 1) over its micro-batches. The loss is Σ cross-entropy over the number of masked
   * tokens in all of them, so that k micro-batches give the gradient of one large batch; a mean of their means would
   * not.
   */
  run(batches: readonly Batch[], step: number, lr: number): Promise<StepMetrics> {
    const { engine, optimizer } = this;
    this.slab.zeroGrad();
    const numbers = engine.keep(engine.empty([2 * batches.length + 1]));
    batches.forEach((_, micro) => {
      const { loss, hits } = this.accumulate(batches, step, micro);
      gather(numbers, 2 * micro, [loss, hits]);
    });
    optimizer.prepare(lr);
    this.update({});
    gather(numbers, 2 * batches.length, [optimizer.gradNorm]);
    return this.read(numbers, maskedTokens(batches));
  }

  /** Forward and backward of one micro-batch of a step: adds its share to the gradients. Its results hold until the next. */
  accumulate(batches: readonly Batch[], step: number, micro: number): { loss: Tensor; hits: Tensor } {
    this.engine.seed(this.seed, step * batches.length + micro);
    const { inputs, accumulate } = this.microBatch(batches[micro], maskedTokens(batches));
    return accumulate(inputs);
  }

  /** Frees the memory kept for replays. */
  dispose(): void {
    this.update.dispose();
    for (const microBatch of this.microBatches.values()) this.forget(microBatch);
    this.microBatches.clear();
  }

  /** The captured work for a batch's shape, with the batch written into its inputs. */
  private microBatch(batch: Batch, normalizer: number): MicroBatch {
    const shape = [batch.B, batch.T, batch.M].join();
    let known = this.microBatches.get(shape);
    if (known) rewriteBatch(known.inputs, batch, normalizer);
    else known = this.makeMicroBatch(batch, normalizer);
    this.microBatches.delete(shape);
    this.microBatches.set(shape, known);
    const [oldest] = this.microBatches;
    if (this.microBatches.size > rememberedShapes) {
      this.microBatches.delete(oldest[0]);
      this.forget(oldest[1]);
    }
    return known;
  }

  private makeMicroBatch(batch: Batch, normalizer: number): MicroBatch {
    const { engine, model } = this;
    const accumulate = engine.capture((inputs: BatchInputs) => {
      const { loss, hits } = maskedLoss(model.train(), inputs);
      backward(loss);
      return { loss, hits };
    }, 'micro-batch');
    return { inputs: engine.keep(uploadBatch(engine, model, batch, normalizer)), accumulate };
  }

  private forget({ inputs, accumulate }: MicroBatch): void {
    accumulate.dispose();
    for (const input of Object.values(inputs)) input.dispose();
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

/** Copies one-element tensors side by side into `all` from element `at` on, so that a single read fetches them. */
export function gather(all: Tensor, at: number, scalars: readonly Tensor[]): void {
  const { buffer, offset } = all.view;
  scalars.forEach((scalar, i) => {
    all.engine.device.copy(scalar.view, { buffer, offset: offset + 4 * (at + i), size: 4 });
  });
}
