/** BLEU (Papineni et al., 2002) over a corpus with one reference for each text, as sacreBLEU 2 computes it by default. */
import { version } from '../../../gpu/version.ts';
import { type BleuTokenization, bleuTokens } from './bleuTokens.ts';
import { ngramCounts, ngramTotal, overlap } from './ngrams.ts';

const order = 4;

export interface BleuScore {
  /** Between 0 and 1; sacreBLEU prints a hundred times that. */
  score: number;
  /** Of 1-grams to 4-grams, smoothed. */
  precisions: readonly number[];
  /** exp(1 − reference length / length) for a corpus that is shorter than its references. */
  brevityPenalty: number;
}

/** What the score depends on, in sacreBLEU's form. */
export const bleuSignature = (tokenization: BleuTokenization): string =>
  `nrefs:1|case:mixed|eff:no|tok:${tokenization}|smooth:exp|version:cloze-${version}`;

/**
 * Clipped matches and totals are added up over the corpus. The k-th order without a match counts as 1/2ᵏ matches (`smooth:exp`, as
 * mteval-v13a.pl); an order that no text is long enough for makes the score 0 (`eff:no`), and so does a corpus without any match.
 */
export function bleu(
  hypotheses: readonly string[],
  references: readonly string[],
  tokenization: BleuTokenization,
): BleuScore {
  const matches = new Array<number>(order).fill(0);
  const totals = new Array<number>(order).fill(0);
  let [length, wanted] = [0, 0];
  hypotheses.forEach((hypothesis, i) => {
    const tokens = bleuTokens(hypothesis, tokenization);
    const truth = bleuTokens(references[i], tokenization);
    length += tokens.length;
    wanted += truth.length;
    for (let n = 1; n <= order; n++) {
      matches[n - 1] += overlap(ngramCounts(tokens, n), ngramCounts(truth, n));
      totals[n - 1] += ngramTotal(tokens.length, n);
    }
  });
  const brevityPenalty = length >= wanted ? 1 : length === 0 ? 0 : Math.exp(1 - wanted / length);
  const precisions = smoothed(matches, totals);
  const logs = precisions.reduce((sum, precision) => sum + Math.log(precision), 0);
  return { score: brevityPenalty * Math.exp(logs / order), precisions, brevityPenalty };
}

function smoothed(matches: readonly number[], totals: readonly number[]): number[] {
  if (matches.every((count) => count === 0)) return matches.map(() => 0);
  let share = 1;
  return matches.map((count, i) => {
    if (totals[i] === 0) return 0;
    if (count === 0) share /= 2;
    return (count || share) / totals[i];
  });
}
