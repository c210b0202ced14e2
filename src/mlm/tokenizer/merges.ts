import { Heap } from './heap.ts';
import { idLimit } from './vocabulary.ts';

/** Two token ids as one number. */
export const pairKey = (left: number, right: number): number => left * idLimit + right;
const leftOf = (key: number): number => Math.floor(key / idLimit);
const rightOf = (key: number): number => key % idLimit;

/** A word of the corpus as token ids, and how often it occurs. */
export interface CountedWord {
  ids: number[];
  count: number;
}

export interface LearnMergesOptions {
  /** Changed in place: the ids of the tokens it holds. */
  words: CountedWord[];
  /** The tokens to begin with; the merged ones are appended in place. */
  tokens: string[];
  vocabSize: number;
  /** A pair that occurs less often is not merged. */
  minFrequency: number;
  /** The token that two tokens make together. */
  join(left: string, right: string): string;
}

/**
 * Byte-pair encoding: the pair of neighbours that occurs most often becomes one token, again and again, until the
 * vocabulary is full (Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", 2016). Among
 * equally frequent pairs the one with the lower ids is taken, so the outcome depends on the counts alone.
 *
 * Returns the merged pairs in order. Counts of pairs are kept up to date, not counted anew: a merge visits only the
 * words that hold its pair.
 */
export function learnMerges(options: LearnMergesOptions): [number, number][] {
  const { words, tokens, vocabSize, minFrequency, join } = options;
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const counts = new Map<number, number>();
  /** The words that hold a pair, or held it once. */
  const holders = new Map<number, Set<CountedWord>>();
  const heap = new Heap<{ key: number; count: number }>(
    (a, b) => a.count > b.count || (a.count === b.count && a.key < b.key),
  );

  const countPairs = (word: CountedWord, sign: 1 | -1, into: Map<number, number>) => {
    for (let i = 1; i < word.ids.length; i++) {
      const key = pairKey(word.ids[i - 1], word.ids[i]);
      into.set(key, (into.get(key) ?? 0) + sign * word.count);
      if (sign < 0) continue;
      const holding = holders.get(key);
      if (holding) holding.add(word);
      else holders.set(key, new Set([word]));
    }
  };

  for (const word of words) countPairs(word, 1, counts);
  for (const [key, count] of counts) heap.push({ key, count });

  const merges: [number, number][] = [];
  while (tokens.length < vocabSize) {
    const best = heap.pop();
    if (best === undefined) break;
    const current = counts.get(best.key) ?? 0;
    if (current !== best.count) {
      // The entry is out of date: a merge took some of the pair's places.
      if (current > 0 && current < best.count) heap.push({ key: best.key, count: current });
      continue;
    }
    if (best.count < Math.max(1, minFrequency)) break;

    const left = leftOf(best.key);
    const right = rightOf(best.key);
    const token = join(tokens[left], tokens[right]);
    let merged = ids.get(token);
    if (merged === undefined) {
      merged = tokens.push(token) - 1;
      ids.set(token, merged);
    }
    merges.push([left, right]);

    const changes = new Map<number, number>();
    for (const word of holders.get(best.key)!) {
      countPairs(word, -1, changes);
      mergeIn(word, left, right, merged);
      countPairs(word, 1, changes);
    }
    holders.delete(best.key);
    for (const [key, change] of changes) {
      if (change === 0) continue;
      const count = (counts.get(key) ?? 0) + change;
      if (count > 0) counts.set(key, count);
      else counts.delete(key);
      if (change > 0) heap.push({ key, count });
    }
  }
  return merges;
}

/** Replaces each left, right in the word by `merged`, from left to right. */
function mergeIn(word: CountedWord, left: number, right: number, merged: number): void {
  const { ids } = word;
  let kept = 0;
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      ids[kept++] = merged;
      i++;
    } else ids[kept++] = ids[i];
  }
  ids.length = kept;
}
