/**
 * The span boundary objective (Joshi et al., "SpanBERT: Improving Pre-training by Representing and Predicting Spans", 2020): besides
 * masked language modelling, every token of a masked span is predicted from the states of the two tokens next to the span,
 * outside of it, and its place in the span: two layers of dense, GELU and layer norm over [left; right; place], then the decoder
 * that both share. Loss: the sum of both mean cross-entropies. An evaluation scores masked language modelling alone, so that it
 * compares with other objectives.
 */
import * as v from 'valibot';
import { add, cat, type Indices, linearCrossEntropy, type Tensor } from '../../autograd/index.ts';
import { Embedding, Module } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { BertForMaskedLM, Transform } from '../bert/heads.ts';
import { bertInit, gatherTokens } from '../bert/model.ts';
import { type Batch, ignoreIndex } from '../data/batch.ts';
import { modelInput } from '../data/batchInputs.ts';
import { hidingTokens, maskingParameters } from './maskedLanguageModel.ts';
import { type Objective, objectiveKind } from './objective.ts';

/** Places in a span that have an embedding, as in SpanBERT's code; the tokens of a longer one share the last. */
const places = 200;

class BoundaryHead extends Module {
  private readonly position: Embedding;
  private readonly layers: readonly Transform[];

  constructor(config: BertConfig) {
    super();
    const { hidden_size: width } = config;
    this.position = this.child(
      'position_embeddings',
      new Embedding(places, width, { init: bertInit(config) }),
    );
    this.layers = [3 * width, width].map((from, i) =>
      this.child(`transform${i}`, new Transform(config, from)),
    );
  }

  /** States next to the spans [M, C] each, and places in them [M] → [M, C]. */
  forward(left: Tensor, right: Tensor, place: Indices): Tensor {
    const input = cat([left, right, this.position.forward(place)], 1);
    return this.layers.reduce((x, layer) => layer.forward(x), input);
  }
}

/** A masked language model with a second head, which is for training alone. */
class SpanBoundaryModel extends BertForMaskedLM {
  readonly boundary: BoundaryHead;

  constructor(config: BertConfig) {
    super(config);
    this.boundary = this.child('sbo', new BoundaryHead(config));
  }
}

/**
 * For each place of a batch: the flat positions next to its span on either side, and its place in the span, from 0. Spans are runs of
 * neighbouring masked tokens; those of single tokens that happen to touch count as one.
 */
export function boundaries({ B, T, M, maskedPositions, labels, attentionMask }: Batch) {
  const left = new Uint32Array(B * M);
  const right = new Uint32Array(B * M);
  const place = new Uint32Array(B * M);
  for (let b = 0; b < B; b++) {
    const positions = new Set<number>();
    for (let m = b * M; m < (b + 1) * M; m++)
      if (labels[m] !== ignoreIndex) positions.add(maskedPositions[m]);
    const last = b * T + Math.max(1, attentionMask.subarray(b * T, (b + 1) * T).lastIndexOf(1) + 1) - 1;
    for (let m = b * M; m < (b + 1) * M; m++) {
      const at = maskedPositions[m];
      left[m] = at;
      right[m] = at;
      if (labels[m] === ignoreIndex) continue;
      while (left[m] > b * T && positions.has(left[m])) left[m]--;
      while (right[m] < last && positions.has(right[m])) right[m]++;
      place[m] = Math.min(places, Math.max(1, at - left[m])) - 1;
    }
  }
  return { left, right, place };
}

export const spanBoundary = objectiveKind({
  parameters: { ...maskingParameters, masking: v.optional(maskingParameters.masking.wrapped, 'span') },
  create(parameters, vocabulary): Objective {
    return {
      name: 'sbo',
      unit: 'nats per masked token',
      ...hidingTokens(parameters, vocabulary),
      build(config) {
        const model = new SpanBoundaryModel(config);
        return {
          model,
          config,
          extra: boundaries,
          loss(inputs) {
            const { maskedPositions, labels, normalizer, extra } = inputs;
            const hidden = model.encode(modelInput(inputs));
            const masked = model.predictionLoss(gatherTokens(hidden, maskedPositions), labels, {
              normalizer,
            });
            if (!model.training) return masked;
            const [left, right] = ['left', 'right'].map((side) =>
              gatherTokens(hidden, extra[side] as Indices),
            );
            const rows = model.boundary.forward(left, right, extra.place as Indices);
            const { weight, bias } = model.decoder;
            const boundary = linearCrossEntropy(rows, weight, bias, labels, { normalizer });
            return { loss: add(masked.loss, boundary.loss), hits: masked.hits };
          },
        };
      },
    };
  },
});
