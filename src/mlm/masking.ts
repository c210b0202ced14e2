/**
 * Dynamic masking (Devlin et al., "BERT", 2019; Liu et al., "RoBERTa", 2019): some tokens of a row are chosen to be
 * predicted; most of them are shown as [MASK], some as a random token, some as they are. A mask is a pure
 * function of (seed, epoch, index of the row), so every epoch sees another one and a resumed run sees the same.
 *
 * Special tokens are never chosen and never drawn as a random token. BERT's own code draws from the whole
 * vocabulary; leaving special tokens out follows fairseq.
 */
import { ClozeError } from '../gpu/errors.ts';
import { Random } from '../kernels/random.ts';
import type { TokenVocabulary } from './dataset.ts';
import { streams } from './streams.ts';

/** How chosen tokens are shown; the three add up to 1. */
export interface Replacement {
  mask: number;
  random: number;
  keep: number;
}

export const bertReplacement: Replacement = { mask: 0.8, random: 0.1, keep: 0.1 };
export const pureMask: Replacement = { mask: 1, random: 0, keep: 0 };

export interface MaskingOptions {
  /** The share of ordinary tokens to choose, above 0 and at most 1. */
  rate: number;
  /** Default {@link bertReplacement}. */
  replace?: Replacement;
  /**
   * `fixed` (the default): max(1, round(rate · n)) of the n ordinary tokens of a row. `bernoulli`: every
   * ordinary token with probability `rate`, independently, which is what exact floors and count baselines assume.
   */
  selection?: 'fixed' | 'bernoulli';
}

/** What a mask is a function of. */
export interface MaskKey {
  seed: number;
  epoch: number;
  /** The number of the row in its dataset. */
  index: number;
}

export interface MaskedRow {
  /** The row as the model sees it. */
  inputIds: Uint32Array;
  /** Positions to predict, ascending. */
  positions: Uint32Array;
  /** The true ids at `positions`. */
  labels: Uint32Array;
}

/** Throws ClozeError `option` when the options or the vocabulary allow no mask. */
export function checkMasking(
  { rate, replace = bertReplacement }: MaskingOptions,
  vocabulary: TokenVocabulary,
): void {
  if (!(rate > 0 && rate <= 1)) {
    throw new ClozeError('option', `The mask rate is ${rate}`, 'Use a number above 0 and at most 1.');
  }
  const { mask, random, keep } = replace;
  if (Math.min(mask, random, keep) < 0 || Math.abs(mask + random + keep - 1) > 1e-6) {
    throw new ClozeError(
      'option',
      `The replacement probabilities are mask ${mask}, random ${random}, keep ${keep}`,
      'Use three numbers from 0 to 1 that add up to 1.',
    );
  }
  if (vocabulary.special.mask < 0) {
    throw new ClozeError(
      'option',
      'The tokenizer has no [MASK] token',
      'Use one that was made for masked models.',
    );
  }
  if (vocabulary.specialIds.size >= vocabulary.vocabSize) {
    throw new ClozeError(
      'option',
      'The tokenizer has special tokens only',
      'Train it on a text that is not empty.',
    );
  }
}

const fixedCount = (rate: number, ordinary: number): number =>
  ordinary === 0 ? 0 : Math.max(1, Math.round(rate * ordinary));

/**
 * The number of places M that a row of T tokens needs for its predictions; {@link maskRow} never chooses more. With
 * `bernoulli`, six standard deviations above the mean: a row in a billion would have had more.
 */
export function maxMasked(T: number, { rate, selection = 'fixed' }: MaskingOptions): number {
  if (selection === 'fixed') return fixedCount(rate, T);
  return Math.min(T, Math.ceil(rate * T + 6 * Math.sqrt(rate * (1 - rate) * T)));
}

/** Masks one row, `ids` without padding, of a dataset whose rows have T places. Leaves `ids` as they are. */
export function maskRow(
  ids: Uint32Array,
  T: number,
  vocabulary: TokenVocabulary,
  options: MaskingOptions,
  { seed, epoch, index }: MaskKey,
): MaskedRow {
  const { specialIds } = vocabulary;
  const { replace = bertReplacement } = options;
  const random = new Random(seed, streams.masks + epoch, index);

  const ordinary: number[] = [];
  ids.forEach((id, position) => {
    if (!specialIds.has(id)) ordinary.push(position);
  });
  const positions = choose(ordinary, options, random).slice(0, maxMasked(T, options));

  const inputIds = ids.slice();
  for (const position of positions) {
    const u = random.uniform();
    if (u < replace.mask) inputIds[position] = vocabulary.special.mask;
    else if (u < replace.mask + replace.random) inputIds[position] = ordinaryToken(vocabulary, random);
  }
  return { inputIds, positions, labels: positions.map((position) => ids[position]) };
}

function choose(ordinary: number[], { rate, selection }: MaskingOptions, random: Random): Uint32Array {
  if (selection === 'bernoulli') return Uint32Array.from(ordinary.filter(() => random.uniform() < rate));
  const count = fixedCount(rate, ordinary.length);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(ordinary.length - i);
    [ordinary[i], ordinary[j]] = [ordinary[j], ordinary[i]];
  }
  return Uint32Array.from(ordinary.slice(0, count)).sort();
}

function ordinaryToken({ vocabSize, specialIds }: TokenVocabulary, random: Random): number {
  let id = random.below(vocabSize);
  while (specialIds.has(id)) id = random.below(vocabSize);
  return id;
}
