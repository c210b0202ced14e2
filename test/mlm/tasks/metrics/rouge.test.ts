/** ROUGE by hand, from rouge_score (github.com/google-research/google-research: rouge/), some of them cases of its own tests. */
import { expect, test } from 'vitest';
import { rouge } from '../../../../src/mlm/tasks/metrics/rouge.ts';

const of = (prediction: string, target: string) => rouge([prediction], [target]);

test("cases of rouge_score's own tests", () => {
  expect(of('testing', 'testing one two').rouge1).toBeCloseTo(1 / 2, 12);
  expect(of('testing one', 'testing one two').rouge2).toBeCloseTo(2 / 3, 12);
  expect(of('testing one', 'testing one two').rougeL).toBeCloseTo(4 / 5, 12);
  expect(of('testing two', 'testing one two').rougeL).toBeCloseTo(4 / 5, 12);
  expect(of('', 'testing one two')).toEqual({ rouge1: 0, rouge2: 0, rougeL: 0 });
  expect(of('/', 'w1 w2 w3')).toEqual({ rouge1: 0, rouge2: 0, rougeL: 0 });
});

test('the example of its README', () => {
  const scores = of('The quick brown dog jumps on the log.', 'The quick brown fox jumps over the lazy dog');
  // Words in common: the twice, quick, brown, jumps, dog; pairs: "the quick", "quick brown"; in order: the quick brown jumps the.
  expect(scores.rouge1).toBeCloseTo((2 * 6) / (8 + 9), 12);
  expect(scores.rouge2).toBeCloseTo((2 * 2) / (7 + 8), 12);
  expect(scores.rougeL).toBeCloseTo((2 * 5) / (8 + 9), 12);
});

test('case and punctuation do not count, a repeated word counts as often as it is there, and texts are averaged', () => {
  expect(of("Don't-stop!", 'don t stop').rougeL).toBe(1);
  expect(of('a a a', 'a').rouge1).toBeCloseTo((2 * 1) / (3 + 1), 12);
  expect(rouge(['a', 'b'], ['a', 'c']).rouge1).toBeCloseTo(0.5, 12);
});
