/** BLEU by hand, from the definitions of sacreBLEU 2 (github.com/mjpost/sacrebleu: metrics/bleu.py, tokenizers/). */
import { expect, test } from 'vitest';
import { bleu, bleuSignature } from '../../../../src/mlm/tasks/metrics/bleu.ts';
import { bleuTokens, tokenizationFor } from '../../../../src/mlm/tasks/metrics/bleuTokens.ts';

const score = (hypotheses: string[], references: string[]) => bleu(hypotheses, references, '13a').score;

test('13a sets punctuation apart, but not within numbers, and hyphens behind digits alone', () => {
  expect(bleuTokens(`Hello, world! It's 3,000.5 m-long (a "test") 1990-95.`, '13a').join(' ')).toBe(
    `Hello , world ! It's 3,000.5 m-long ( a " test " ) 1990 - 95 .`,
  );
  expect(bleuTokens('&quot;A&amp;B&quot; &lt; 3', '13a')).toEqual(['"', 'A', '&', 'B', '"', '<', '3']);
  expect(bleuTokens('  ', '13a')).toEqual([]);
});

test('zh sets Chinese characters and curly quotation marks apart, and leaves a number its last full stop', () => {
  expect(bleuTokens('他在2008年说：“你好。”', 'zh').join(' ')).toBe('他 在 2008 年 说 ： “ 你 好 。 ”');
  expect(bleuTokens('Tom 很好, in 2000.', 'zh')).toEqual(['Tom', '很', '好', ',', 'in', '2000.']);
  // Characters beyond U+FFFF are not set apart.
  expect(bleuTokens('\u{20000}\u{20001}', 'zh')).toHaveLength(1);
});

test('the tokenization follows the script of the references', () => {
  expect(tokenizationFor(['你好 Tom', '再见'])).toBe('zh');
  expect(tokenizationFor(['Mr 王 is here'])).toBe('13a');
  expect(bleuSignature('zh')).toMatch(/^nrefs:1\|case:mixed\|eff:no\|tok:zh\|smooth:exp\|version:/);
});

test('clipped precisions, with half a match for the first order that has none, a quarter for the next', () => {
  // 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, and none of 1, which counts as a half.
  expect(score(['this is a fest'], ['this is a test'])).toBeCloseTo((0.75 * (2 / 3) * 0.5 * 0.5) ** 0.25, 12);
  // Papineni's: seven times "the" where the reference has two.
  const precisions = [2 / 7, 1 / 2 / 6, 1 / 4 / 5, 1 / 8 / 4];
  const found = bleu(['the the the the the the the'], ['the cat is on the mat'], '13a');
  found.precisions.forEach((precision, i) => {
    expect(precision).toBeCloseTo(precisions[i], 12);
  });
  expect(found.brevityPenalty).toBe(1);
});

test('counts are added up over the corpus, and so are the lengths of the brevity penalty', () => {
  const hypotheses = ['a b c d', 'x y'];
  const references = ['a b c d e f', 'x z'];
  // Words 5 of 6, pairs 3 of 4, triples 2 of 2, one of 1; 6 words where 8 are wanted.
  const wanted = Math.exp(1 - 8 / 6) * ((5 / 6) * (3 / 4)) ** 0.25;
  expect(score(hypotheses, references)).toBeCloseTo(wanted, 12);
});

test('0 without any match, without any word, and for texts that are all too short for the longest order', () => {
  expect(score(['a b c d'], ['e f g h'])).toBe(0);
  expect(score([''], ['a'])).toBe(0);
  expect(score(['a b c'], ['a b c'])).toBe(0);
  expect(score(['a b c d', 'a'], ['a b c d', 'a'])).toBe(1);
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
  expect(score(hypotheses, references)).toBeCloseTo(0.370041402246, 12);
  const chinese = bleu(['他在2008年买了这本书。'], ['这本书是他2008年买的。'], 'zh');
  expect(chinese.score).toBeCloseTo(0.282279838616, 12);
});

test('case counts', () => {
  expect(score(['This is a test'], ['this is a test'])).toBeLessThan(1);
});
