/** chrF by hand, from the definition of sacreBLEU 2 (github.com/mjpost/sacrebleu: metrics/chrf.py). */
import { expect, test } from 'vitest';
import { chrf } from '../../../../src/mlm/tasks/metrics/chrf.ts';

test('recall counts twice as much as precision, and orders that a side has not do not count', () => {
  // Of "ab" all characters and the pair are right, of "abc" 2 of 3 and 1 of 2; no text but the reference has a triple.
  const [precision, recall] = [1, (2 / 3 + 1 / 2) / 2];
  expect(chrf(['ab'], ['abc'])).toBeCloseTo((5 * precision * recall) / (4 * precision + recall), 12);
});

test("cases of sacreBLEU's own tests in which precision and recall are equal", () => {
  expect(chrf(['a'], ['a'])).toBe(1);
  expect(chrf(['a b c'], ['abc'])).toBe(1);
  expect(chrf(['aa'], ['ab'])).toBeCloseTo(0.25, 12);
  expect(chrf(['a', 'b'], ['a', 'c'])).toBeCloseTo(0.5, 12);
  expect(chrf([''], ['reference'])).toBe(0);
  expect(chrf(['abcdefg'], ['hijklmnop'])).toBe(0);
});

test('what sacreBLEU 2.6.0 prints for the same texts', () => {
  const hypotheses = [
    'The ferry leaves at 7.30 from the old pier.',
    'Nobody knew where the keys were (not even Ann).',
  ];
  const references = [
    'The ferry leaves the old pier at 7.30.',
    'No one knew where the keys were, not even Ann.',
  ];
  expect(chrf(hypotheses, references)).toBeCloseTo(0.749393971875, 12);
  expect(chrf(['他在2008年买了这本书。'], ['这本书是他2008年买的。'])).toBeCloseTo(0.421875809376, 12);
});

test('n-grams of a text whose reference is too short for them are left out', () => {
  // Pairs: "xy" of the first text has no counterpart in a reference of one character, so 1 of 1 is right.
  const [precision, recall] = [(3 / 4 + 1) / 2, 1];
  expect(chrf(['xy', 'ab'], ['x', 'ab'])).toBeCloseTo(
    (5 * precision * recall) / (4 * precision + recall),
    12,
  );
});

test('a character beyond U+FFFF is one', () => {
  expect(chrf(['\u{20000}'], ['\u{20001}'])).toBe(0);
});
