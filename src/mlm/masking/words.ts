/** The words of a row, as ranges of tokens: what masking by the word must not break. */
import { ClozeError } from '../../gpu/errors.ts';
import type { TokenVocabulary } from '../data/dataset.ts';

/** Tokens from `start` up to, not including, `end`. */
export interface Range {
  start: number;
  end: number;
}

/**
 * The words among the ordinary tokens of a row, in order: a token that begins a word and those after it that go on with it.
 * Throws ClozeError `option` when the vocabulary cannot tell where words begin.
 */
export function wordsOf(ids: ArrayLike<number>, vocabulary: TokenVocabulary): Range[] {
  const { specialIds } = vocabulary;
  if (!vocabulary.isWordStart) {
    throw new ClozeError('option', 'The tokenizer does not tell where words begin', 'Mask single tokens.');
  }
  const words: Range[] = [];
  for (let at = 0; at < ids.length; at++) {
    if (specialIds.has(ids[at])) continue;
    const last = words[words.length - 1];
    if (last?.end === at && !vocabulary.isWordStart(ids[at])) last.end++;
    else words.push({ start: at, end: at + 1 });
  }
  return words;
}

/** Consecutive words as ranges of tokens: one, or several where a special token stands between them. */
export function joinWords(words: readonly Range[]): Range[] {
  const ranges: Range[] = [];
  for (const { start, end } of words) {
    const last = ranges[ranges.length - 1];
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

export const lengthOf = ({ start, end }: Range): number => end - start;
