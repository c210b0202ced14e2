/** chrF (Popović, 2015) over a corpus with one reference for each text, as sacreBLEU 2 computes chrF2 by default. */
import { version } from '../../../gpu/version.ts';
import { ngramCounts, ngramTotal, overlap } from './ngrams.ts';

const order = 6;
/** Recall counts β times as much as precision. */
const beta = 2;

/** What the score depends on, in sacreBLEU's form. */
export const chrfSignature = `nrefs:1|case:mixed|eff:yes|nc:${order}|nw:0|space:no|version:cloze-${version}`;

/**
 * F₂ of the mean precision and the mean recall of n-grams of 1 to 6 characters, blanks left out; between 0 and 1. Matches and totals are
 * added up over the corpus, without the n-grams of a text whose reference is too short to have any; orders of which either
 * side has none do not count (`eff:yes`).
 */
export function chrf(hypotheses: readonly string[], references: readonly string[]): number {
  const matches = new Array<number>(order).fill(0);
  const found = new Array<number>(order).fill(0);
  const wanted = new Array<number>(order).fill(0);
  hypotheses.forEach((hypothesis, i) => {
    const characters = charactersOf(hypothesis);
    const truth = charactersOf(references[i]);
    for (let n = 1; n <= order; n++) {
      const total = ngramTotal(truth.length, n);
      if (total === 0) continue;
      matches[n - 1] += overlap(ngramCounts(characters, n), ngramCounts(truth, n));
      found[n - 1] += ngramTotal(characters.length, n);
      wanted[n - 1] += total;
    }
  });
  const orders = matches.map((_, n) => n).filter((n) => found[n] > 0 && wanted[n] > 0);
  const mean = (totals: readonly number[]) =>
    orders.reduce((sum, n) => sum + matches[n] / totals[n], 0) / orders.length;
  const [precision, recall] = orders.length === 0 ? [0, 0] : [mean(found), mean(wanted)];
  if (precision + recall === 0) return 0;
  return ((1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall);
}

const charactersOf = (text: string): string[] => Array.from(text.replace(/\s+/g, ''));
