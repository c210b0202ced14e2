/**
 * One training step, from batches to updated weights: upload, forward, backward over each micro-batch, then clip and
 * update. Everything is submitted without waiting; the numbers come back later. The work of a micro-batch and of the
 * update is captured: the third of each shape is a replay.
 */

import { backward, type CapturedStep, type Engine, type Tensor } from '../../autograd/index.ts';
import { tensorsIn } from '../../autograd/scope.ts';
import type { GradScaler, Optimizer, Slab } from '../../nn/index.ts';
import type { Batch } from '../data/batch.ts';
import { type BatchInputs, type Normalizers, rewriteBatch, uploadBatch } from '../data/batchInputs.ts';
import type { BatchLoss, Trainee } from '../objectives/objective.ts';

/** What a step tells about itself. */
export interface StepMetrics {
  /** Mean loss over all predictions of the step, as its objective defines it. */
  loss: number;
  /** Share of them predicted right. */
  accuracy: number;
  /** Global norm of the gradients before clipping. */
  gradNorm: number;
  /** What the loss was multiplied with for the backward pass; 1 where there is no scaler. */
  lossScale: number;
}

/** The captured work of micro-batches of one shape, and the tensors into which they are written. */
interface MicroBatch {
  inputs: BatchInputs;
  accumulate: CapturedStep<BatchInputs, BatchLoss>;
}

/** Shapes of micro-batches that are remembered; each holds the memory of its forward and backward pass. */
const rememberedShapes = 4;

export interface TrainingStepParts {
  trainee: Trainee;
  slab: Slab;
  optimizer: Optimizer;
  /** Scales the loss for the backward pass; the optimiser has it, too. */
  scaler?: GradScaler;
  seed: number;
}

export class TrainingStep {
  readonly trainee: Trainee;
  readonly slab: Slab;
  private readonly engine: Engine;
  private readonly optimizer: Optimizer;
  private readonly scaler: GradScaler | undefined;
  private readonly seed: number;
  /** By shape, the one used last at the end. */
  private readonly microBatches = new Map<string, MicroBatch>();
  private readonly update: CapturedStep<Record<string, never>, void>;

  constructor({ trainee, slab, optimizer, scaler, seed }: TrainingStepParts) {
    this.engine = slab.engine;
    this.trainee = trainee;
    this.slab = slab;
    this.optimizer = optimizer;
    this.scaler = scaler;
    this.seed = seed;
    this.update = this.engine.capture(() => optimizer.update(), 'update');
  }

  /**
   * Submits step number `step` (from 1) over its micro-batches. The loss is the sum of all losses over the normalizers of
   * all of them, so that k micro-batches give the gradient of one large batch; a mean of their means would not.
   */
  run(batches: readonly Batch[], step: number, lr: number): Promise<StepMetrics> {
    const { engine, optimizer } = this;
    const scale = this.scaler?.scale ?? engine.one;
    this.slab.zeroGrad();
    const numbers = engine.keep(engine.empty([2 * batches.length + 2]));
    batches.forEach((_, micro) => {
      const { loss, hits } = this.accumulate(batches, step, micro);
      gather(numbers, 2 * micro, [loss, hits]);
    });
    // Before the update, which sets the next one.
    gather(numbers, 2 * batches.length, [scale]);
    optimizer.prepare(lr);
    this.update({});
    gather(numbers, 2 * batches.length + 1, [optimizer.gradNorm]);
    return this.read(numbers, total(batches, this.trainee.scores === 'tokens' ? 'tokens' : 'count'));
  }

  /** Forward and backward of one micro-batch of a step: adds its share to the gradients. Its results hold until the next. */
  accumulate(batches: readonly Batch[], step: number, micro: number): BatchLoss {
    this.engine.seed(this.seed, step * batches.length + micro);
    const { inputs, accumulate } = this.microBatch(batches[micro], {
      normalizer: total(batches, 'normalizer'),
      tokens: total(batches, 'tokens'),
    });
    return accumulate(inputs);
  }

  /** Frees the memory kept for replays. */
  dispose(): void {
    this.update.dispose();
    for (const microBatch of this.microBatches.values()) this.forget(microBatch);
    this.microBatches.clear();
  }

  /** The captured work for a batch's shape, with the batch written into its inputs. */
  private microBatch(batch: Batch, normalizers: Normalizers): MicroBatch {
    const shape = [batch.B, batch.T, batch.M].join();
    let known = this.microBatches.get(shape);
    if (known) rewriteBatch(known.inputs, this.trainee, batch, normalizers);
    else known = this.makeMicroBatch(batch, normalizers);
    this.microBatches.delete(shape);
    this.microBatches.set(shape, known);
    const [oldest] = this.microBatches;
    if (this.microBatches.size > rememberedShapes) {
      this.microBatches.delete(oldest[0]);
      this.forget(oldest[1]);
    }
    return known;
  }

  private makeMicroBatch(batch: Batch, normalizers: Normalizers): MicroBatch {
    const { engine, trainee, scaler } = this;
    const accumulate = engine.capture((inputs: BatchInputs) => {
      trainee.model.train();
      const { loss, hits } = trainee.loss(inputs);
      backward(loss, scaler?.scale);
      return { loss, hits };
    }, 'micro-batch');
    return { inputs: engine.keep(uploadBatch(engine, trainee, batch, normalizers)), accumulate };
  }

  private forget({ inputs, accumulate }: MicroBatch): void {
    accumulate.dispose();
    for (const input of tensorsIn(inputs)) input.dispose();
  }

  private async read(numbers: Tensor, count: number): Promise<StepMetrics> {
    const values = await numbers.data();
    numbers.dispose();
    let loss = 0;
    let hits = 0;
    const [lossScale, gradNorm] = values.slice(-2);
    for (let i = 0; i < values.length - 2; i += 2) {
      loss += values[i];
      hits += values[i + 1];
    }
    return { loss, accuracy: hits / count, gradNorm, lossScale };
  }
}

/** The sum of a number over all batches; 1 where it is 0, since sums are divided by it. */
function total(batches: readonly Batch[], of: 'count' | 'normalizer' | 'tokens'): number {
  return batches.reduce((sum, batch) => sum + batch[of], 0) || 1;
}

/** Copies one-element tensors side by side into `all` from element `at` on, so that a single read fetches them. */
export function gather(all: Tensor, at: number, scalars: readonly Tensor[]): void {
  const { buffer, offset } = all.view;
  scalars.forEach((scalar, i) => {
    all.engine.device.copy(scalar.view, { buffer, offset: offset + 4 * (at + i), size: 4 });
  });
}
