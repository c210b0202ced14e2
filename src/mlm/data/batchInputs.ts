/** A batch on the GPU, and the loss of a language model on it. */
import { type Engine, Indices, indices, type Tensor } from '../../autograd/index.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';
import { bertInput } from '../bert/input.ts';
import type { BertInput } from '../bert/model.ts';
import type { BatchLoss, Trainee } from '../objectives/objective.ts';
import type { Batch } from './batch.ts';

/** What the loss depends on besides the weights. A type, so that a captured step takes it as its inputs. */
export type BatchInputs = {
  ids: Indices;
  types: Indices;
  positions: Indices;
  /** Word embeddings in the place of those of `ids`, see {@link BertInput}. */
  embeds?: Tensor;
  attentionMask: Tensor;
  /** A token's document in its row, where rows hold several. */
  segments: Tensor | undefined;
  /** One for each row, where the attention is `prefix` or `causal`, which is a prefix of none. */
  prefix: Tensor | undefined;
  maskedPositions: Indices;
  labels: Tensor;
  /** The factor of each loss, where they differ. */
  weights: Tensor | undefined;
  /** What the sum of the losses is divided by: one number. */
  normalizer: Tensor;
  /** How many tokens the step has that are no padding: one number. */
  tokens: Tensor;
  /** What the objective reads besides, by name. */
  extra: Readonly<Record<string, Tensor | Indices>>;
};

type ExtraArrays = ReturnType<NonNullable<Trainee['extra']>>;

/** Row numbers become indices, the rest tensors. */
function uploadExtra(engine: Engine, arrays: ExtraArrays = {}): BatchInputs['extra'] {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, values]) => [
      name,
      values instanceof Uint32Array ? indices(engine, values) : engine.tensor(values),
    ]),
  );
}

function rewriteExtra(extra: BatchInputs['extra'], arrays: ExtraArrays = {}): void {
  for (const [name, values] of Object.entries(arrays)) {
    const input = extra[name];
    if (input instanceof Indices) input.write(values as Uint32Array);
    else input.write(values);
  }
}

/** What sums over a whole step are divided by. */
export interface Normalizers {
  normalizer: number;
  tokens: number;
}

/** Uploads a batch for a model. Throws `input` when the model is too short for it or lacks an id. */
export function uploadBatch(
  engine: Engine,
  { config, extra }: Pick<Trainee, 'config' | 'extra'>,
  batch: Batch,
  { normalizer, tokens }: Normalizers,
): BatchInputs {
  const { B, T, M, attention, segments, prefix, weights } = batch;
  const arrays = {
    ids: batch.inputIds,
    types: batch.types,
    positions: batch.positions,
    shape: [B, T],
  } as const;
  const { ids, types, positions } = bertInput(engine, arrays, config);
  return {
    ids,
    types,
    positions,
    attentionMask: engine.tensor(batch.attentionMask, [B, T]),
    segments: segments && engine.tensor(segments, [B, T]),
    prefix: attention === 'bidirectional' ? undefined : engine.tensor(prefix ?? new Uint32Array(B), [B]),
    maskedPositions: indices(engine, batch.maskedPositions, [B * M]),
    labels: engine.tensor(batch.labels),
    weights: weights && engine.tensor(weights),
    normalizer: engine.full([1], normalizer),
    tokens: engine.full([1], tokens),
    extra: uploadExtra(engine, extra?.(batch)),
  };
}

/** Writes another batch of the same shape in the place of an uploaded one. */
export function rewriteBatch(
  inputs: BatchInputs,
  { extra }: Pick<Trainee, 'extra'>,
  batch: Batch,
  { normalizer, tokens }: Normalizers,
): void {
  inputs.ids.write(batch.inputIds);
  inputs.attentionMask.write(batch.attentionMask);
  if (batch.types) inputs.types.write(batch.types);
  if (batch.positions) inputs.positions.write(batch.positions);
  if (batch.segments) inputs.segments?.write(batch.segments);
  if (batch.prefix) inputs.prefix?.write(batch.prefix);
  inputs.maskedPositions.write(batch.maskedPositions);
  inputs.labels.write(batch.labels);
  if (batch.weights) inputs.weights?.write(batch.weights);
  inputs.normalizer.write(Float32Array.of(normalizer));
  inputs.tokens.write(Float32Array.of(tokens));
  rewriteExtra(inputs.extra, extra?.(batch));
}

/** What the model reads of a batch. Segments leave the padding out, too. */
export function modelInput({
  ids,
  types,
  positions,
  embeds,
  attentionMask,
  segments,
  prefix,
}: BatchInputs): BertInput {
  const mask = segments ? undefined : attentionMask;
  return { ids, types, positions, embeds, mask: { mask, segments, prefix } };
}

/** Weighted cross-entropy of the predictions over the normalizer, and how many of them are right. */
export function maskedLoss(model: BertForMaskedLM, inputs: BatchInputs, smoothing = 0): BatchLoss {
  const { maskedPositions, labels, weights, normalizer } = inputs;
  return model.loss(modelInput(inputs), maskedPositions, labels, { weights, normalizer, smoothing });
}
