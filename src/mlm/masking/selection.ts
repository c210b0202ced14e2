/**
 * Which tokens of a row are hidden. Each strategy chooses groups of neighbouring tokens and never a special one; at most
 * `budget` tokens in all, which is max(1, round(rate · n)) of the n ordinary ones. Sources:
 *
 * - `token`: single tokens, exactly the budget (google-research/bert).
 * - `bernoulli`: every token by itself with probability `rate`, as RoBERTa's code and exact floors have it.
 * - `word`: whole words in random order for as long as they fit; one that does not is skipped (google-research/bert's
 *   whole-word models).
 * - `span`: runs of whole words, their lengths geometric with `spanP`, cut off at `spanMax` (Joshi et al., "SpanBERT", 2020).
 * - `ngram`: runs of n ≤ `ngramMax` whole words with p(n) ∝ 1/n (Lan et al., "ALBERT", 2020).
 *
 * SpanBERT's code draws a place first and gives up when it is taken, which favours short spans, and cuts words in two
 * where the budget ends. Here all lengths are drawn first and then arranged without overlap. What they have too many, the
 * spans drawn last lose, in whole words; what they have too few, because words differ in tokens, single words make up.
 */
import type { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { arrange, drawIndex, harmonic, truncatedGeometric } from './sampling.ts';
import { joinWords, lengthOf, type Range, wordsOf } from './words.ts';

export const SELECTION_NAMES = ['token', 'bernoulli', 'word', 'span', 'ngram'] as const;

export interface SelectionOptions {
  /** The share of ordinary tokens to choose, above 0 and at most 1. */
  rate: number;
  /** Default `token`. */
  selection?: (typeof SELECTION_NAMES)[number];
  /** With `span`: the geometric distribution's parameter and the longest span. Default 0.2 and 10, a mean of 3.8. */
  spanP?: number;
  spanMax?: number;
  /** With `ngram`: the longest run. Default 3. */
  ngramMax?: number;
}

/** Tokens that were chosen together, as ranges; more than one where a special token stands between them. */
export type Group = readonly Range[];

const fixedCount = (rate: number, ordinary: number): number =>
  ordinary === 0 ? 0 : Math.max(1, Math.round(rate * ordinary));

/**
 * The most tokens that are chosen in a row of T. With `bernoulli`, six standard deviations above the mean: a row in a billion
 * would have had more.
 */
export function maxSelected(T: number, { rate, selection = 'token' }: SelectionOptions): number {
  if (selection !== 'bernoulli') return fixedCount(rate, T);
  return Math.min(T, Math.ceil(rate * T + 6 * Math.sqrt(rate * (1 - rate) * T)));
}

/** Chooses tokens of a row, `ids` without padding; the groups come in the order in which they were drawn. */
export function select(
  ids: Uint32Array,
  vocabulary: TokenVocabulary,
  options: SelectionOptions,
  random: Random,
): Group[] {
  const { rate, selection = 'token', spanP = 0.2, spanMax = 10, ngramMax = 3 } = options;
  switch (selection) {
    case 'token':
    case 'bernoulli': {
      const ordinary: number[] = [];
      ids.forEach((id, at) => {
        if (!vocabulary.specialIds.has(id)) ordinary.push(at);
      });
      const chosen =
        selection === 'bernoulli'
          ? ordinary.filter(() => random.uniform() < rate)
          : draw(ordinary, fixedCount(rate, ordinary.length), random);
      return chosen.map((at) => [{ start: at, end: at + 1 }]);
    }
    case 'word':
      return chooseWords(wordsOf(ids, vocabulary), rate, random);
    case 'span':
      return chooseRuns(wordsOf(ids, vocabulary), rate, truncatedGeometric(spanP, spanMax), random);
    case 'ngram':
      return chooseRuns(wordsOf(ids, vocabulary), rate, harmonic(ngramMax), random);
  }
}

/** `count` of the items, every set equally likely. Shuffles the front of `items`. */
function draw(items: number[], count: number, random: Random): number[] {
  for (let i = 0; i < count; i++) {
    const j = i + random.below(items.length - i);
    [items[i], items[j]] = [items[j], items[i]];
  }
  return items.slice(0, count);
}

const tokensIn = (ranges: readonly Range[]) => ranges.reduce((sum, range) => sum + lengthOf(range), 0);

function chooseWords(words: readonly Range[], rate: number, random: Random): Group[] {
  let left = fixedCount(rate, tokensIn(words));
  return random.shuffle([...words]).flatMap((word) => {
    if (lengthOf(word) > left) return [];
    left -= lengthOf(word);
    return [[word]];
  });
}

function chooseRuns(
  words: readonly Range[],
  rate: number,
  lengthShares: readonly number[],
  random: Random,
): Group[] {
  const tokens = tokensIn(words);
  const budget = fixedCount(rate, tokens);
  const wanted = Math.round((budget * words.length) / tokens) || Math.min(1, words.length);
  const lengths: number[] = [];
  for (let left = wanted; left > 0; left -= lengths[lengths.length - 1]) {
    lengths.push(Math.min(left, 1 + drawIndex(lengthShares, random)));
  }
  const starts = arrange(lengths, words.length, random);
  const runs = lengths.map((length, i) => ({ start: starts[i], end: starts[i] + length }));
  const wordsIn = ({ start, end }: Range) => words.slice(start, end);
  // Words differ in tokens, so as many of them as the budget has on average may have too many, or too few.
  let left = budget - runs.reduce((sum, run) => sum + tokensIn(wordsIn(run)), 0);
  for (let i = runs.length - 1; left < 0; ) {
    if (lengthOf(runs[i]) > 0) left += lengthOf(words[--runs[i].end]);
    else i--;
  }
  const taken = new Set(
    runs.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
  );
  const apart = (word: number) => !(taken.has(word - 1) || taken.has(word) || taken.has(word + 1));
  for (const word of left > 0 ? random.shuffle(words.map((_, i) => i)) : []) {
    if (lengthOf(words[word]) > left || !apart(word)) continue;
    left -= lengthOf(words[word]);
    taken.add(word);
    runs.push({ start: word, end: word + 1 });
  }
  return runs.filter((run) => lengthOf(run) > 0).map((run) => joinWords(wordsIn(run)));
}
