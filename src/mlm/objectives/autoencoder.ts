/**
 * Denoising autoencoder (Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", 2008) over tokens:
 * the model reads a text with masked tokens and reconstructs the embeddings of the hidden ones. Loss: the mean squared error between
 * its output and the word embedding of the true token, both per dimension.
 *
 * Targets are normalised to mean 0 and variance 1 and take no gradient, so that the loss cannot be had by shrinking the embeddings; an
 * output of nothing but zeros has the loss 1, which is the bar. A prediction counts as right when the nearest target is the true
 * token's.
 */
import {
  crossEntropy,
  div,
  embedding,
  type Indices,
  layerNorm,
  linear,
  mean,
  mul,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
} from '../../autograd/index.ts';
import { Linear, Module } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { Transform } from '../bert/heads.ts';
import { BertModel, bertInit, gatherTokens } from '../bert/model.ts';
import { ignoreIndex } from '../data/batch.ts';
import { modelInput } from '../data/batchInputs.ts';
import { hidingTokens, maskingParameters } from './maskedLanguageModel.ts';
import { type Objective, objectiveKind } from './objective.ts';

/** dense, GELU, layer norm, dense: from hidden states to embeddings. */
class Reconstruction extends Transform {
  private readonly output: Linear;

  constructor(config: BertConfig) {
    super(config);
    const { hidden_size: width } = config;
    this.output = this.child('output', new Linear(width, width, { init: bertInit(config) }));
  }

  override forward(rows: Tensor): Tensor {
    return this.output.forward(super.forward(rows));
  }
}

class DenoisingAutoencoder extends Module {
  readonly bert: BertModel;
  readonly reconstruction: Reconstruction;

  constructor(config: BertConfig) {
    super();
    this.bert = this.child('bert', new BertModel(config, { pooler: false }));
    this.reconstruction = this.child('reconstruction', new Reconstruction(config));
  }
}

export const autoencoder = objectiveKind({
  parameters: maskingParameters,
  create(parameters, vocabulary): Objective {
    return {
      name: 'autoencoder',
      unit: 'squared error',
      ...hidingTokens(parameters, vocabulary),
      asBar: ({ accuracy }) => ({ loss: 1, accuracy }),
      build(config) {
        const model = new DenoisingAutoencoder(config);
        return {
          model,
          config,
          extra: ({ labels }) => ({
            truth: Uint32Array.from(labels, (label) => Math.max(0, label)),
            counts: Float32Array.from(labels, (label) => (label === ignoreIndex ? 0 : 1)),
          }),
          loss(inputs) {
            const { maskedPositions, labels, normalizer, extra } = inputs;
            const { engine } = labels;
            const targets = engine.noGrad(() => layerNorm(model.bert.wordEmbeddings));
            const hidden = model.bert.forward(modelInput(inputs));
            const output = model.reconstruction.forward(gatherTokens(hidden, maskedPositions));
            const wanted = engine.noGrad(() => embedding(targets, extra.truth as Indices));
            const errors = mean(square(sub(output, wanted)), { axis: 1 });
            const total = sum(mul(errors, extra.counts as Tensor));
            // |t|² is the same for all targets, so the nearest one has the largest product.
            const { hits } = engine.noGrad(() => crossEntropy(linear(output, targets), labels));
            return { loss: div(total, reshape(normalizer, [])), hits };
          },
        };
      },
    };
  },
});
