/**
 * Replaced-token detection (Clark et al., "ELECTRA", 2020): a small generator fills masked tokens with draws from its own
 * predictions, and the discriminator tells of every token whether it is the original one. Loss: the generator's mean cross-entropy
 * at the masked tokens plus `rtdWeight` times the mean binary cross-entropy over all tokens but padding.
 *
 * All chosen tokens show [MASK], as in the paper; the released code leaves 15 % of them as they are. A draw that hits the original
 * counts as original. Draws are made on the GPU with Gumbel noise from a counter, and no gradient flows through them. Accuracy is
 * the discriminator's. The bars: as generator the counts, as discriminator one who knows how often such a generator errs, and
 * answers "original" every time.
 */
import * as v from 'valibot';
import {
  add,
  affine,
  crossEntropy,
  type Indices,
  markReplaced,
  sampleRows,
  type Tensor,
} from '../../autograd/index.ts';
import { ElectraForPreTraining } from '../bert/electra.ts';
import { ignoreIndex } from '../data/batch.ts';
import { modelInput } from '../data/batchInputs.ts';
import { hidingTokens, maskingParameters } from './maskedLanguageModel.ts';
import { type Objective, objectiveKind } from './objective.ts';

const { maskReplace: _, ...parameters } = maskingParameters;

/** Sets the generator's draws apart from every dropout of the model. */
const drawingLayer = 2 ** 31;

export const electra = objectiveKind({
  parameters: {
    ...parameters,
    /** Weight of the discriminator's loss. */
    rtdWeight: v.optional(v.pipe(v.number(), v.gtValue(0)), 50),
    /** The generator's width and heads as a share of the discriminator's. */
    generatorShare: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), 0.25),
  },
  create({ rtdWeight, generatorShare, ...given }, vocabulary): Objective {
    const masking = { ...given, maskReplace: [1, 0, 0] as [number, number, number] };
    return {
      name: 'electra',
      unit: `generator's nats + ${rtdWeight} times discriminator's`,
      ...hidingTokens(masking, vocabulary),
      asBar({ loss, confidence }, { predictions, tokens }) {
        const replaced = (predictions / tokens) * (1 - confidence);
        const entropy = -replaced * Math.log(replaced) - (1 - replaced) * Math.log(1 - replaced);
        return { loss: loss + rtdWeight * entropy, accuracy: 1 - replaced };
      },
      build(config) {
        const model = new ElectraForPreTraining(config, { generatorShare });
        return {
          model,
          config,
          scores: 'tokens',
          extra: ({ B, T, M, maskedPositions, labels, attentionMask }) => {
            const sources = Uint32Array.from({ length: B * T }, (_, at) => at);
            for (let place = 0; place < B * M; place++) {
              if (labels[place] !== ignoreIndex) sources[maskedPositions[place]] = B * T + place;
            }
            const originals = Int32Array.from(attentionMask, (bit) => (bit === 1 ? 0 : ignoreIndex));
            return { sources, originals };
          },
          loss(inputs) {
            const { maskedPositions, labels, normalizer, tokens, extra } = inputs;
            const input = modelInput(inputs);
            const { engine } = labels;
            const logits = model.generate(input, maskedPositions);
            const generator = crossEntropy(logits, labels, { normalizer });
            const { chosen, oneHot } = sampleRows(logits, { state: engine.randomState, layer: drawingLayer });
            const replaced = markReplaced(extra.originals as Tensor, chosen, labels, maskedPositions);
            const scores = model.discriminate(input, oneHot, extra.sources as Indices);
            const discriminator = crossEntropy(scores, replaced, { normalizer: tokens });
            return {
              loss: add(generator.loss, affine(discriminator.loss, rtdWeight)),
              hits: discriminator.hits,
            };
          },
        };
      },
    };
  },
});
