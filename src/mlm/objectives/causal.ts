/**
 * Causal language modelling (Radford et al., "Improving Language Understanding by Generative Pre-Training", 2018): every
 * token is predicted from those before it, each seeing only itself and what is to its left. Loss: the mean cross-entropy
 * of all tokens but the first of a row.
 *
 * The [SEP] that ends a document is predicted too, so that a generated text can end. That of a row without padding is not:
 * there the text may have been cut, and its end says nothing.
 */
import type { TokenVocabulary } from '../data/dataset.ts';
import { checkOrdinary } from '../masking/index.ts';
import { languageModel } from './languageModel.ts';
import { type Corruption, type Example, type Objective, objectiveKind } from './objective.ts';

/** Every token of a row that is to be predicted from its predecessor's state, with none hidden. */
export function nextTokens(ids: Uint32Array, T: number, { special, specialIds }: TokenVocabulary): Example {
  const positions: number[] = [];
  for (let at = 1; at < ids.length; at++) {
    const ends = ids[at] === special.sep && at === ids.length - 1 && ids.length < T;
    if (ends || !specialIds.has(ids[at])) positions.push(at - 1);
  }
  return { inputIds: ids, positions, labels: positions.map((at) => ids[at + 1]) };
}

export function causalCorruption(vocabulary: TokenVocabulary): Corruption {
  return {
    attention: 'causal',
    shift: 1,
    weighted: false,
    rowLength: (T) => T,
    places: (T) => T - 1,
    apply: (ids, T) => nextTokens(ids, T, vocabulary),
  };
}

export const causal = objectiveKind({
  parameters: {},
  create(_, vocabulary): Objective {
    checkOrdinary(vocabulary);
    const corruption = causalCorruption(vocabulary);
    return {
      name: 'causal',
      unit: 'nats per token',
      train: corruption,
      evaluation: corruption,
      extraTokens: 0,
      bar: 'ngrams',
      build: (config) => languageModel(config),
    };
  },
});
