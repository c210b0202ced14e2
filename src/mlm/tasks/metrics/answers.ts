/** Exact match and F1 of answers, as the evaluation script of SQuAD 1.1 computes them (Rajpurkar et al., 2016). */

/** What Python's `string.punctuation` holds. */
const punctuation = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;

/** Whole words, as Python's `\b` finds them in any script; that of JavaScript knows ASCII letters alone. */
const articles = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

/** The words that count, one blank between them: lower case, without punctuation and articles. */
export function normalizeAnswer(text: string): string {
  const words = text.toLowerCase().replace(punctuation, '').replace(articles, ' ');
  return words.split(/\s+/).filter(Boolean).join(' ');
}

export function exactMatch(truth: string, answer: string): number {
  return normalizeAnswer(truth) === normalizeAnswer(answer) ? 1 : 0;
}

/** The F1 of the words that two answers have in common, each as often as it is in both; 0 where there are none. */
export function wordF1(truth: string, answer: string): number {
  const [wanted, given] = [truth, answer].map((text) => normalizeAnswer(text).split(' ').filter(Boolean));
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of given) {
    const count = left.get(word) ?? 0;
    if (count > 0) common++;
    left.set(word, count - 1);
  }
  return common === 0 ? 0 : (2 * common) / (wanted.length + given.length);
}

/** The means over all questions, for each of which the accepted answer counts that fits best. */
export function answerScores(
  gold: readonly (readonly string[])[],
  predicted: readonly string[],
): { f1: number; exact_match: number } {
  const mean = (score: (truth: string, answer: string) => number) =>
    gold.reduce(
      (sum, truths, i) => sum + Math.max(0, ...truths.map((truth) => score(truth, predicted[i]))),
      0,
    ) / Math.max(1, gold.length);
  return { f1: mean(wordF1), exact_match: mean(exactMatch) };
}
