/** A batch on the GPU, and the loss that is computed from it. */
import { type Engine, type Indices, indices, type Tensor } from '../autograd/index.ts';
import type { Batch } from './batch.ts';
import type { BertForMaskedLM } from './bert/heads.ts';
import { bertInput } from './bert/input.ts';

/** What the loss depends on besides the weights. A type, so that a captured step takes it as its inputs. */
export type BatchInputs = {
  ids: Indices;
  types: Indices;
  positions: Indices;
  attentionMask: Tensor;
  maskedPositions: Indices;
  labels: Tensor;
  /** What the sum of the losses is divided by: one number. */
  normalizer: Tensor;
};

/** Uploads a batch for a model. Throws `input` when the model is too short for it or lacks an id. */
export function uploadBatch(
  engine: Engine,
  model: BertForMaskedLM,
  batch: Batch,
  normalizer: number,
): BatchInputs {
  const { B, T, M } = batch;
  const { ids, types, positions } = bertInput(engine, { ids: batch.inputIds, shape: [B, T] }, model.config);
  return {
    ids,
    types,
    positions,
    attentionMask: engine.tensor(batch.attentionMask, [B, T]),
    maskedPositions: indices(engine, batch.maskedPositions, [B * M]),
    labels: engine.tensor(batch.labels),
    normalizer: engine.full([1], normalizer),
  };
}

/** Writes another batch of the same shape in the place of an uploaded one. */
export function rewriteBatch(inputs: BatchInputs, batch: Batch, normalizer: number): void {
  inputs.ids.write(batch.inputIds);
  inputs.attentionMask.write(batch.attentionMask);
  inputs.maskedPositions.write(batch.maskedPositions);
  inputs.labels.write(batch.labels);
  inputs.normalizer.write(Float32Array.of(normalizer));
}

/** Cross-entropy of the masked tokens over the normalizer, and how many of them were predicted right. */
export function maskedLoss(model: BertForMaskedLM, inputs: BatchInputs): { loss: Tensor; hits: Tensor } {
  const { ids, types, positions, attentionMask, maskedPositions, labels, normalizer } = inputs;
  const input = { ids, types, positions, mask: { mask: attentionMask } };
  return model.loss(input, maskedPositions, labels, { normalizer });
}
