/** What is shown in the place of a hidden token: [MASK], a random token, or the token itself. */
import { ClozeError } from '../../gpu/errors.ts';
import type { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';

/** Shares of what is shown; the three add up to 1. */
export interface Replacement {
  mask: number;
  random: number;
  keep: number;
}

/** BERT's. Random tokens are ordinary ones: BERT's own code draws from the whole vocabulary, fairseq does not. */
export const bertReplacement: Replacement = { mask: 0.8, random: 0.1, keep: 0.1 };
export const pureMask: Replacement = { mask: 1, random: 0, keep: 0 };

/** Throws ClozeError `option` for shares that are none, and for a vocabulary without [MASK] or ordinary tokens. */
export function checkReplacement({ mask, random, keep }: Replacement, vocabulary: TokenVocabulary): void {
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
  checkOrdinary(vocabulary);
}

/** Throws ClozeError `option` when there is no token to predict. */
export function checkOrdinary({ specialIds, vocabSize }: TokenVocabulary): void {
  if (specialIds.size < vocabSize) return;
  throw new ClozeError(
    'option',
    'The tokenizer has special tokens only',
    'Train it on a text that is not empty.',
  );
}

export type Shown = keyof Replacement;

export function drawShown({ mask, random: share }: Replacement, random: Random): Shown {
  const u = random.uniform();
  return u < mask ? 'mask' : u < mask + share ? 'random' : 'keep';
}

/** The id to show where `id` stands. */
export function shownId(shown: Shown, id: number, vocabulary: TokenVocabulary, random: Random): number {
  if (shown === 'mask') return vocabulary.special.mask;
  return shown === 'random' ? ordinaryToken(vocabulary, random) : id;
}

/** Any token but a special one, each equally likely. */
export function ordinaryToken({ vocabSize, specialIds }: TokenVocabulary, random: Random): number {
  let id = random.below(vocabSize);
  while (specialIds.has(id)) id = random.below(vocabSize);
  return id;
}
