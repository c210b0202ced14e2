/**
 * ROUGE (Lin, 2004) as google-research's rouge_score computes it, without stemming: F1 of each text, then the mean over texts. Words are
 * runs of a to z and 0 to 9 of the text in lower case, so a text in another script has none.
 */
import { f1 } from './classification.ts';
import { ngramCounts, ngramTotal, overlap } from './ngrams.ts';

export interface RougeScores {
  rouge1: number;
  rouge2: number;
  /** Of the longest common subsequence of the whole texts, lines not told apart. */
  rougeL: number;
}

export function rouge(hypotheses: readonly string[], references: readonly string[]): RougeScores {
  const sums: RougeScores = { rouge1: 0, rouge2: 0, rougeL: 0 };
  hypotheses.forEach((hypothesis, i) => {
    const words = rougeWords(hypothesis);
    const truth = rougeWords(references[i]);
    sums.rouge1 += ngramF1(words, truth, 1);
    sums.rouge2 += ngramF1(words, truth, 2);
    sums.rougeL += f1(longestCommonSubsequence(words, truth), words.length, truth.length);
  });
  const count = Math.max(1, hypotheses.length);
  return { rouge1: sums.rouge1 / count, rouge2: sums.rouge2 / count, rougeL: sums.rougeL / count };
}

const rougeWords = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

function ngramF1(words: readonly string[], truth: readonly string[], n: number): number {
  const matches = overlap(ngramCounts(words, n), ngramCounts(truth, n));
  return f1(matches, ngramTotal(words.length, n), ngramTotal(truth.length, n));
}

/** Its length: dynamic programming over one row of the table. */
function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Uint32Array(b.length + 1);
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      row[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.length];
}
