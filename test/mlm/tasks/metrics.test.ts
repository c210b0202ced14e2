/** Scores against examples worked by hand from the definitions of the field's scorers. */
import { expect, test } from 'vitest';
import { accuracy, macroF1 } from '../../../src/mlm/tasks/metrics/classification.ts';
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
