import { expect, test } from 'vitest';
import { parseConll } from '../../../src/mlm/tasks/readers/conll.ts';
import { parseLabelledTexts } from '../../../src/mlm/tasks/readers/labelledTexts.ts';
import { parseSemeval } from '../../../src/mlm/tasks/readers/semeval.ts';
import { markNominals } from '../../../src/mlm/tasks/relations.ts';

test('labelled texts as .csv, .tsv and lines', () => {
  const csv = 'text,category\n"one, ""two""\nthree",a\nfour,b\n';
  expect(parseLabelledTexts(csv, 'x.csv')).toMatchObject([
    { text: 'one, "two" three', labels: ['a'] },
    { text: 'four', labels: ['b'] },
  ]);
  expect(parseLabelledTexts('text\tlabel\nit is good \t1\n', 'x.tsv')).toEqual([
    { text: 'it is good', labels: ['1'], where: 'x.tsv, line 2' },
  ]);
  expect(parseLabelledTexts('DESC:manner How ?\n0 dull', 'x.txt')).toMatchObject([
    { text: 'How ?', labels: ['DESC'] },
    { text: 'dull', labels: ['0'] },
  ]);
});

test('what is no labelled text is named with its line', () => {
  expect(() => parseLabelledTexts('a\tb\nonly text', 'x.tsv')).toThrow(/x\.tsv, line 2/);
  expect(() => parseLabelledTexts('a,b,c', 'x.csv')).toThrow(/example 1 has 3 field/);
  expect(() => parseLabelledTexts('a,"b', 'x.csv')).toThrow(/x\.csv, record 1/);
  expect(() => parseLabelledTexts('\n', 'x.txt')).toThrow(/holds no example/);
});

test('CoNLL: sentences end at lines that are blank, and every word has a tag', () => {
  expect(parseConll('Anna\tB-person\nran\tO\n\t\nHi\tO', 'x')).toEqual([
    { text: 'Anna ran', words: ['Anna', 'ran'], labels: ['B-person', 'O'], where: 'x, line 1' },
    { text: 'Hi', words: ['Hi'], labels: ['O'], where: 'x, line 4' },
  ]);
  expect(() => parseConll('Anna\tB-person\nran', 'x')).toThrow(/x, line 2: the word "ran" has no tag/);
  expect(() => parseConll('Anna\tPER', 'x')).toThrow(/x, line 1: "PER" is no tag/);
});

test('SemEval-2010 task 8', () => {
  const text = '7\t"An <e1>ear</e1> of <e2>corn</e2>."\r\nWhole(e2,e1)\r\nComment: "so"\r\n\r\n';
  const [example] = parseSemeval(text, 'x');
  expect(example.labels).toEqual(['Whole(e2,e1)']);
  expect(markNominals(example.text)).toBe('An $ ear $ of # corn # .');
  expect(() => parseSemeval('1\t"An <e1>ear</e1>."\nOther\n', 'x')).toThrow(/x, line 1: there is no <e2>/);
  expect(() => parseSemeval('1\t"<e1>a</e1> <e2>b</e2>"\nSome thing\n', 'x')).toThrow(/x, line 2/);
});
