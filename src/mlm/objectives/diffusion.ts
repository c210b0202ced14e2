/**
 * Masked diffusion (Sahoo et al., "Simple and Effective Masked Diffusion Language Models", MDLM, 2024; Nie et al., "Large
 * Language Diffusion Models", LLaDA, 2025): each row is masked at a level t of its own, every token by the chance t, and the
 * hidden tokens are predicted. Loss: Σ −ln p(token) / t over all tokens of the row, hidden or not, an upper bound on −ln p
 * of the text per token. For the best possible predictor it is the entropy rate of the language.
 *
 * t = ε + (1 − ε) u with ε = 10⁻³, so that no weight is larger than 1000; the u of a step's rows are spread evenly over
 * [0, 1), which takes most of the noise out of the loss (MDLM's antithetic sampling). The head never predicts [MASK] or
 * another special token (MDLM's zero masking probabilities), and what is visible stays as it is: no loss there.
 *
 * In an evaluation a row of n tokens hides exactly l of them, weight n / l, with l spread evenly over 1 to n: the same bound without
 * ε, and with less variance than drawing every token by itself (LLaDA, appendix B).
 */
import type { TokenVocabulary } from '../data/dataset.ts';
import { checkMasking, maskRow, pureMask, type SelectionOptions } from '../masking/index.ts';
import { languageModel } from './languageModel.ts';
import { type Corruption, type Example, type Objective, objectiveKind, type RowKey } from './objective.ts';

const epsilon = 1e-3;

function hide(
  ids: Uint32Array,
  T: number,
  vocabulary: TokenVocabulary,
  selection: SelectionOptions,
  key: RowKey,
): Example {
  const { inputIds, positions, labels } = maskRow(
    ids,
    T,
    vocabulary,
    { replace: pureMask, ...selection },
    key,
  );
  return {
    inputIds,
    positions,
    labels,
    weights: new Float32Array(positions.length).fill(1 / selection.rate),
    normalizer: ordinaryCount(ids, vocabulary),
  };
}

function ordinaryCount(ids: Uint32Array, { specialIds }: TokenVocabulary): number {
  return ids.reduce((count, id) => count + (specialIds.has(id) ? 0 : 1), 0);
}

const shape = {
  attention: 'bidirectional',
  shift: 0,
  weighted: true,
  rowLength: (T: number) => T,
  places: (T: number) => T,
} as const;

function drawnLevels(vocabulary: TokenVocabulary): Corruption {
  return {
    ...shape,
    apply: (ids, T, key) =>
      hide(ids, T, vocabulary, { rate: epsilon + (1 - epsilon) * key.quantile, selection: 'bernoulli' }, key),
  };
}

function evenCounts(vocabulary: TokenVocabulary): Corruption {
  return {
    ...shape,
    apply(ids, T, key) {
      const n = Math.max(1, ordinaryCount(ids, vocabulary));
      return hide(ids, T, vocabulary, { rate: (1 + Math.floor(key.quantile * n)) / n }, key);
    },
  };
}

export const diffusion = objectiveKind({
  parameters: {},
  create(_, vocabulary): Objective {
    checkMasking({ rate: 1, replace: pureMask }, vocabulary);
    return {
      name: 'diffusion',
      unit: 'nats per token, an upper bound',
      train: drawnLevels(vocabulary),
      evaluation: evenCounts(vocabulary),
      extraTokens: 0,
      bar: 'neighbours',
      build: (config) => languageModel({ ...config, suppress_tokens: [...vocabulary.specialIds] }),
    };
  },
});
