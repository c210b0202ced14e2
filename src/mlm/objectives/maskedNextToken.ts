/**
 * Masked next-token prediction, alone and mixed with causal language modelling (Charpentier and Samuel, "GPT or BERT: why
 * not both?", 2024): tokens are hidden as for BERT, but a hidden token is predicted by the state of the one before it.
 * So the same head and the same habit of looking one place ahead serve causal language modelling, and one model can be
 * used as either. Loss: the mean cross-entropy of what is predicted.
 *
 * GPT-BERT gives each task a share of its machines; here each row of a batch draws its task. A causal row asks for many
 * more predictions than a masked one; weights make both rows count alike, as each machine's mean does there.
 */
import * as v from 'valibot';
import { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { streams } from '../data/streams.ts';
import { nextTokens } from './causal.ts';
import { languageModel } from './languageModel.ts';
import { evaluationMasks, type Masking, maskingParameters, trainingMasks } from './maskedLanguageModel.ts';
import { type Corruption, type Example, type Objective, objectiveKind, type RowKey } from './objective.ts';

/** Hidden tokens are predicted one place earlier; the first of a row, which has none before it, is not. */
function maskedNext(masking: Masking, ids: Uint32Array, T: number, key: RowKey): Example {
  const { inputIds, positions, labels } = masking.mask(ids, T, key);
  const skipped = positions[0] === 0 ? 1 : 0;
  return {
    inputIds,
    positions: positions.subarray(skipped).map((at) => at - 1),
    labels: labels.subarray(skipped),
  };
}

function maskedNextCorruption(masking: Masking): Corruption {
  return {
    attention: 'bidirectional',
    shift: 1,
    weighted: false,
    rowLength: (T) => T,
    places: masking.places,
    apply: (ids, T, key) => maskedNext(masking, ids, T, key),
  };
}

/** Rows of either task in one batch. */
function mixedCorruption(masking: Masking, causalShare: number, vocabulary: TokenVocabulary): Corruption {
  return {
    attention: 'prefix',
    shift: 1,
    weighted: true,
    rowLength: (T) => T,
    places: (T) => T - 1,
    apply(ids, T, key) {
      const isCausal = new Random(key.seed, streams.tasks + key.epoch, key.index).uniform() < causalShare;
      const example = isCausal ? nextTokens(ids, T, vocabulary) : maskedNext(masking, ids, T, key);
      const { length } = example.positions;
      const weight = isCausal ? Math.min(1, masking.places(ids.length) / length) : 1;
      return {
        ...example,
        weights: new Float32Array(length).fill(weight),
        prefix: isCausal ? 0 : ids.length,
      };
    },
  };
}

export const maskedNextToken = objectiveKind({
  parameters: maskingParameters,
  create: (parameters, vocabulary) =>
    objective('mntp', parameters, vocabulary, maskedNextCorruption(trainingMasks(parameters, vocabulary))),
});

export const hybrid = objectiveKind({
  parameters: {
    ...maskingParameters,
    /** Share of the rows that are trained on causally. */
    causalShare: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1 / 16),
  },
  create(parameters, vocabulary) {
    const masking = trainingMasks(parameters, vocabulary);
    return objective(
      'hybrid',
      parameters,
      vocabulary,
      mixedCorruption(masking, parameters.causalShare, vocabulary),
    );
  },
});

function objective(
  name: string,
  parameters: Parameters<typeof evaluationMasks>[0],
  vocabulary: TokenVocabulary,
  train: Corruption,
): Objective {
  return {
    name,
    unit: 'nats per masked token',
    train,
    evaluation: maskedNextCorruption(evaluationMasks(parameters, vocabulary)),
    extraTokens: 0,
    bar: 'neighbours',
    build: (config) => languageModel(config),
  };
}
