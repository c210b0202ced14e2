/**
 * A training step and a validation batch on a device that computes nothing: what the run will take is known, or refused, before
 * it takes any of it, and its pipelines are compiled at once instead of one after the other in its first step.
 */
import type { Engine } from '../../autograd/index.ts';
import type { Batch } from '../data/batch.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { Trainee } from '../objectives/index.ts';
import type { MemoryNeed } from './events.ts';
import type { TrainOptions } from './options.ts';
import { TrainedModel } from './trainedModel.ts';

export interface Rehearsed {
  /** Makes the model once more, without memory. */
  build: () => Trainee;
  options: TrainOptions;
  /** The micro-batches of a step. */
  training: readonly Batch[];
  validation: readonly Batch[];
}

/** Throws `out-of-memory` when a buffer of the step is larger than the adapter allows. */
export async function rehearse(
  engine: Engine,
  { build, options, training, validation }: Rehearsed,
): Promise<MemoryNeed> {
  const twin = engine.dryTwin();
  const model = new TrainedModel(twin, build(), options);
  const state = twin.memory().live;
  // The first one runs as it is called; the second is recorded, and has what a replayed step holds.
  for (const step of [1, 2]) await model.step.run(training, step, options.lr);
  await model.averaged(() => evaluate(twin, model.trainee, validation.slice(0, 1)));
  await engine.device.prepareAs(twin.device);
  const { peak, largest } = twin.memory();
  const { maxBufferSize, maxStorageBufferBindingSize } = engine.device.capabilities.limits;
  return {
    state,
    activations: peak - state,
    largestBuffer: largest,
    bufferLimit: Math.min(maxBufferSize, maxStorageBufferBindingSize),
  };
}
