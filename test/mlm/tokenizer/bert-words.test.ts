import { expect, test } from 'vitest';
import { BertWords } from '../../../src/mlm/tokenizer/bert-words.ts';

const uncased = new BertWords({
  cleanText: true,
  handleChineseChars: true,
  stripAccents: true,
  lowercase: true,
});
const texts = (words: BertWords, text: string) => words.split(text).map((word) => word.text);

test('cuts at every blank and around punctuation', () => {
  expect(texts(uncased, 'a\u00a0b\u2028c\td\n(e)-f_g')).toEqual([
    'a',
    'b',
    'c',
    'd',
    '(',
    'e',
    ')',
    '-',
    'f',
    '_',
    'g',
  ]);
});

test('drops what is no character, without cutting there', () => {
  expect(texts(uncased, 'a\u0000b\u200bc\u00add\ufffde\ue000f')).toEqual(['abcdef']);
});

test('sets Chinese characters apart, not kana or hangul', () => {
  expect(texts(uncased, 'ab世界cd\u{20000}e')).toEqual(['ab', '世', '界', 'cd', '\u{20000}', 'e']);
  expect(texts(uncased, 'かな')).toEqual(['かな']);
});

test('lowers the case and strips accents in either form', () => {
  expect(texts(uncased, 'ÉCOLE E\u0301cole İ ẞ')).toEqual(['ecole', 'ecole', 'i', 'ß']);
});

test('a decomposed sign may turn out to be punctuation', () => {
  expect(texts(uncased, 'a≠b\u037e')).toEqual(['a', '=', 'b', ';']);
});

test('every unit knows where it came from', () => {
  const [word] = uncased.split('\u{1F600}한é');
  expect(word.text).toBe('\u{1F600}\u1112\u1161\u11abe');
  expect(word.starts).toEqual([0, 0, 2, 2, 2, 3]);
  expect(word.ends).toEqual([2, 2, 3, 3, 3, 4]);
});

test('each step can be left out', () => {
  const plain = new BertWords({
    cleanText: false,
    handleChineseChars: false,
    stripAccents: false,
    lowercase: false,
  });
  expect(texts(plain, 'É世界\u0007x y')).toEqual(['É世界\u0007x', 'y']);
});
