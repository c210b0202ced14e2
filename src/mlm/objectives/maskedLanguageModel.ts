/**
 * Masked language modelling (Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
 * 2019): some tokens of a row are hidden, and the model predicts them from all the others, on both sides. Loss: the mean
 * cross-entropy of the hidden tokens.
 *
 * Which tokens are hidden, by token, whole word, span or n-gram, and what is shown in their place is the matter of
 * `../masking`. The share of hidden tokens may go linearly from one value to another over the run, as in GPT-BERT
 * (Charpentier and Samuel, 2024).
 */
import * as v from 'valibot';
import type { TokenVocabulary } from '../data/dataset.ts';
import {
  checkMasking,
  type MaskedRow,
  type MaskingOptions,
  maskRow,
  maxSelected,
  pureMask,
  SELECTION_NAMES,
} from '../masking/index.ts';
import { languageModel } from './languageModel.ts';
import { type Corruption, type Objective, objectiveKind, type RowKey } from './objective.ts';

const rate = v.pipe(v.number(), v.gtValue(0), v.maxValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const whole = v.pipe(v.number(), v.integer(), v.minValue(1));

/** What all objectives that hide tokens in their places have in common. */
export const maskingParameters = {
  /** Share of the tokens to predict. */
  maskRate: v.optional(rate, 0.15),
  /** The share at the end of the run, to which `maskRate` goes linearly. */
  maskRateEnd: v.optional(rate),
  /** The share in validation; default: as in training at its end. */
  evalMaskRate: v.optional(rate),
  /** Of the chosen tokens: shares replaced by [MASK], by a random token, and left as they are. */
  maskReplace: v.optional(
    v.pipe(
      v.tuple([share, share, share]),
      v.check(
        (shares) => Math.abs(shares[0] + shares[1] + shares[2] - 1) < 1e-6,
        'the shares must add up to 1',
      ),
    ),
    [0.8, 0.1, 0.1],
  ),
  /** What is hidden as one: a token, each token by its own chance, a whole word, a span or an n-gram of words. */
  masking: v.optional(v.picklist(SELECTION_NAMES), 'token'),
  /** Of the lengths of spans: the parameter of the geometric distribution, and the longest. */
  spanP: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), 0.2),
  spanMax: v.optional(whole, 10),
  /** The longest n-gram. */
  ngramMax: v.optional(whole, 3),
};

export type MaskingParameters = v.InferOutput<v.ObjectSchema<typeof maskingParameters, undefined>>;

/** What masking does to a row, before an objective makes an example of it. */
export interface Masking {
  places(T: number): number;
  mask(ids: Uint32Array, T: number, key: RowKey): MaskedRow;
}

/** Masks whose rate goes linearly to `endRate`. Throws ClozeError `option` for options or a vocabulary that allow none. */
export function masks(options: MaskingOptions, vocabulary: TokenVocabulary, endRate = options.rate): Masking {
  const { rate } = options;
  checkMasking(options, vocabulary);
  return {
    places: (T) => maxSelected(T, { ...options, rate: Math.max(rate, endRate) }),
    mask: (ids, T, key) =>
      maskRow(ids, T, vocabulary, { ...options, rate: rate + key.progress * (endRate - rate) }, key),
  };
}

/** The masks of a run. Throws ClozeError `option` for options or a vocabulary that allow none. */
export function trainingMasks(parameters: MaskingParameters, vocabulary: TokenVocabulary): Masking {
  const { maskRate, maskRateEnd = maskRate, maskReplace, masking: selection } = parameters;
  const [mask, random, keep] = maskReplace;
  const { spanP, spanMax, ngramMax } = parameters;
  const options: MaskingOptions = {
    ...{ rate: maskRate, replace: { mask, random, keep } },
    ...{ selection, spanP, spanMax, ngramMax },
  };
  return masks(options, vocabulary, maskRateEnd);
}

/** The masks of an evaluation: every token shows [MASK] by its own chance, as baselines and floors assume. */
export function evaluationMasks(parameters: MaskingParameters, vocabulary: TokenVocabulary): Masking {
  const { maskRate, maskRateEnd = maskRate, evalMaskRate = maskRateEnd } = parameters;
  const options: MaskingOptions = { rate: evalMaskRate, replace: pureMask, selection: 'bernoulli' };
  return masks(options, vocabulary);
}

/** Hidden tokens are predicted in their own places. */
export function maskedCorruption({ places, mask }: Masking): Corruption {
  return {
    attention: 'bidirectional',
    shift: 0,
    weighted: false,
    rowLength: (T) => T,
    places,
    apply: mask,
  };
}

/** What objectives have in common that hide tokens and predict something of them in their own places. */
export function hidingTokens(
  parameters: MaskingParameters,
  vocabulary: TokenVocabulary,
): Pick<Objective, 'train' | 'evaluation' | 'extraTokens' | 'bar'> {
  return {
    train: maskedCorruption(trainingMasks(parameters, vocabulary)),
    evaluation: maskedCorruption(evaluationMasks(parameters, vocabulary)),
    extraTokens: 0,
    bar: 'neighbours',
  };
}

export const maskedLanguageModel = objectiveKind({
  parameters: maskingParameters,
  create: (parameters, vocabulary) => ({
    name: 'mlm',
    unit: 'nats per masked token',
    ...hidingTokens(parameters, vocabulary),
    build: (config) => languageModel(config),
  }),
});
