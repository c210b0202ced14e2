/** Scores against examples worked by hand from the definitions of the field's scorers. */
import { expect, test } from 'vitest';
import { answerScores, exactMatch, normalizeAnswer, wordF1 } from '../../../src/mlm/tasks/metrics/answers.ts';
import { accuracy, macroF1 } from '../../../src/mlm/tasks/metrics/classification.ts';
import { pearson, ranks, spearman } from '../../../src/mlm/tasks/metrics/correlation.ts';
import { entityScores, entitySpans } from '../../../src/mlm/tasks/metrics/entities.ts';
import { relationF1 } from '../../../src/mlm/tasks/metrics/relations.ts';

test('accuracy and macro F1 as in scikit-learn', () => {
  const gold = ['a', 'b', 'c', 'a', 'b', 'c'];
  const predicted = ['a', 'c', 'b', 'a', 'a', 'b'];
  expect(accuracy(gold, predicted)).toBeCloseTo(2 / 6, 12);
  // a: precision 2/3, recall 1, F1 0.8; b and c are never right. This is the example of f1_score's own page: 0.26….
  expect(macroF1(gold, predicted)).toBeCloseTo(0.8 / 3, 12);
  // A label that is predicted and never true counts as one of 0.
  expect(macroF1(['a', 'a'], ['a', 'z'])).toBeCloseTo(2 / 3 / 2, 12);
});

test('entities as seqeval finds them in mode strict, scheme IOB2', () => {
  expect(entitySpans(['B-PER', 'I-PER', 'O', 'B-LOC'])).toEqual(['PER:0:2', 'LOC:3:4']);
  expect(entitySpans(['B-PER', 'B-PER'])).toEqual(['PER:0:1', 'PER:1:2']);
  // An I- that continues nothing, or another type, is no entity; the lenient mode would take both.
  expect(entitySpans(['O', 'I-PER', 'I-PER'])).toEqual([]);
  expect(entitySpans(['B-PER', 'I-LOC', 'I-LOC'])).toEqual(['PER:0:1']);
});

test("entity F1 of the example in seqeval's README", () => {
  const gold = [
    ['O', 'O', 'O', 'B-MISC', 'I-MISC', 'I-MISC', 'O'],
    ['B-PER', 'I-PER', 'O'],
  ];
  const predicted = [
    ['O', 'O', 'B-MISC', 'I-MISC', 'I-MISC', 'I-MISC', 'O'],
    ['B-PER', 'I-PER', 'O'],
  ];
  expect(entityScores(gold, predicted)).toEqual({ entity_f1: 0.5, precision: 0.5, recall: 0.5 });
  expect(entityScores([['O']], [['O']])).toEqual({ entity_f1: 0, precision: 0, recall: 0 });
});

test('relation F1 as the official scorer of SemEval-2010 task 8: direction counts, Other does not', () => {
  const gold = ['A(e1,e2)', 'A(e2,e1)', 'B(e1,e2)', 'Other', 'Other'];
  const predicted = ['A(e1,e2)', 'A(e1,e2)', 'B(e1,e2)', 'B(e1,e2)', 'Other'];
  // A: one right, two answers, two truths; B: one right, two answers, one truth.
  expect(relationF1(gold, predicted)).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12);
  expect(relationF1(['Other'], ['Other'])).toBe(0);
});

test('answers are normalised as by evaluate-v1.1.py of SQuAD: lower case, punctuation, articles, blanks, in this order', () => {
  expect(normalizeAnswer('The  Eiffel-Tower!')).toBe('eiffeltower');
  expect(normalizeAnswer(' An apple a day,\tand the core ')).toBe('apple day and core');
  // The dots go first, so what they held apart is one word, and no article.
  expect(normalizeAnswer('9 A.M.')).toBe('9 am');
  expect(normalizeAnswer('the')).toBe('');
  // In Python a word ends where letters of any script end: this "a" is none. Punctuation is that of ASCII alone.
  expect(normalizeAnswer('Ça va «là»')).toBe('ça va «là»');
  expect(normalizeAnswer('a_b x')).toBe('ab x');
});

test('exact match and F1 of words as by evaluate-v1.1.py of SQuAD', () => {
  expect(exactMatch('the Panthers', 'Panthers.')).toBe(1);
  expect(exactMatch('Panthers', 'Panther')).toBe(0);
  // Two words of three are common: precision 2/3, recall 2/3.
  expect(wordF1('the big red dog', 'Red dog house')).toBeCloseTo(2 / 3, 12);
  // A word counts as often as it is in both: "be" twice. Precision 2/3, recall 2/6.
  expect(wordF1('to be or not to be', 'be be be')).toBeCloseTo(4 / 9, 12);
  // Without a common word it is 0, even where nothing is left of both.
  expect(wordF1('the', 'a')).toBe(0);
  expect(wordF1('北京', '北京')).toBe(1);
});

test('of several accepted answers the one counts that fits best, then all questions alike', () => {
  const gold = [['308', '308 points'], ['Denver Broncos']];
  expect(answerScores(gold, ['308 points', 'the Broncos'])).toEqual({
    f1: (1 + 2 / 3) / 2,
    exact_match: 1 / 2,
  });
});

test('Pearson and Spearman as in scipy', () => {
  // The example of spearmanr's own page: 0.8207….
  expect(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
  // The example of pearsonr's own page: −0.8285….
  expect(pearson([1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2])).toBeCloseTo(-0.828503883588428, 12);
  // Equal values share the mean of the ranks that they take up.
  expect(ranks([3, 1, 3, 0, 3])).toEqual([4, 2, 4, 1, 4]);
  expect(spearman([1, 2, 3], [10, 100, 1000])).toBeCloseTo(1, 12);
  expect(pearson([1, 2, 3], [2, 2, 2])).toBe(0);
});
