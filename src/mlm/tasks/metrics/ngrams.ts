/** Counts of n-grams, and what two texts have in common: the ground of BLEU, chrF and ROUGE-N. */

export type NgramCounts = ReadonlyMap<string, number>;

/** How often each run of `n` items occurs. Items hold no blank. */
export function ngramCounts(items: readonly string[], n: number): NgramCounts {
  const counts = new Map<string, number>();
  for (let at = 0; at + n <= items.length; at++) {
    const ngram = items.slice(at, at + n).join(' ');
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

/** How many n-grams of `a` are matched by one of `b` each. */
export function overlap(a: NgramCounts, b: NgramCounts): number {
  let matches = 0;
  for (const [ngram, count] of a) matches += Math.min(count, b.get(ngram) ?? 0);
  return matches;
}

/** How many n-grams a text of so many items has. */
export const ngramTotal = (items: number, n: number): number => Math.max(0, items - n + 1);
