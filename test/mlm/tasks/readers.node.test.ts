import { expect, test } from 'vitest';
import { parseConll } from '../../../src/mlm/tasks/readers/conll.ts';
import { parseTextLines, parseWordLines } from '../../../src/mlm/tasks/readers/jsonLines.ts';
import { parseLabelledTexts } from '../../../src/mlm/tasks/readers/labelledTexts.ts';
import { parseScoredTexts } from '../../../src/mlm/tasks/readers/scoredTexts.ts';
import { parseSemeval } from '../../../src/mlm/tasks/readers/semeval.ts';
import { parseSquad } from '../../../src/mlm/tasks/readers/squad.ts';
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

const squad = (context: string, ...answers: [text: string, start: number][]) => {
  const answer = answers.map(([text, answer_start]) => ({ text, answer_start }));
  const qas = [{ id: 'q7', question: 'Who? ', answers: answer }];
  return JSON.stringify({ version: '1.1', data: [{ title: 't', paragraphs: [{ context, qas }] }] });
};

test("SQuAD's JSON, whose places are code points", () => {
  expect(parseSquad(squad('😀 Anna ran.', ['Anna', 2], ['Anna ran', 2]), 'x.json')).toEqual([
    {
      text: 'Who?',
      pair: '😀 Anna ran.',
      labels: ['Anna', 'Anna ran'],
      starts: [3, 3],
      where: 'x.json, question q7',
    },
  ]);
});

test('an answer that is not in its context is named with its question', () => {
  expect(() => parseSquad(squad('😀 Anna ran.', ['Anna', 3]), 'x')).toThrow(
    /x, question q7: the answer "Anna" is not at 3 of its context.* It is at 2/,
  );
  expect(() => parseSquad(squad('Anna ran.', ['Otto', 0]), 'x')).toThrow(/nowhere in it/);
  expect(() => parseSquad(squad('Anna ran.', ['ran', 50]), 'x')).toThrow(/not at 50/);
  expect(() => parseSquad(squad('Anna ran.'), 'x')).toThrow(/q7 has no answer/);
  expect(() => parseSquad('{"data": [{"paragraphs": 1}]}', 'x')).toThrow(/x: data\.0\.paragraphs: /);
  expect(() => parseSquad('{', 'x')).toThrow(/x is not JSON/);
});

test('texts with numbers', () => {
  expect(parseScoredTexts('text\tscore\na b\tc\t2.5\nd\t-1\n', 'x.tsv')).toEqual([
    { text: 'a b', pair: 'c', labels: ['2.5'], where: 'x.tsv, line 2' },
    { text: 'd', labels: ['-1'], where: 'x.tsv, line 3' },
  ]);
  expect(() => parseScoredTexts('a\tb\tmuch', 'x')).toThrow(/x, line 1: "much" is no number/);
  expect(() => parseScoredTexts('a\t1\n1', 'x')).toThrow(/x, line 2: it has 1 column/);
});

test('JSON lines of texts and of words', () => {
  expect(
    parseTextLines('{"text": "so so", "label": 1, "id": 7}\n\n{"text": "x", "label": "a"}', 'x'),
  ).toEqual([
    { text: 'so so', labels: ['1'], where: 'x, line 1' },
    { text: 'x', labels: ['a'], where: 'x, line 3' },
  ]);
  const anna = { text: 'Anna ran', words: ['Anna', 'ran'], labels: ['B-p', 'O'], where: 'x, line 1' };
  expect(parseWordLines('{"tokens": ["Anna", "ran"], "ner_tags": ["B-p", "O"]}', 'x')).toEqual([anna]);
  expect(() =>
    parseWordLines('{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a", "b"], "tags": ["O"]}', 'x'),
  ).toThrow(/x, line 2: there are 2 tokens and 1 tags/);
  expect(() => parseWordLines('{"tokens": ["a"], "tags": ["person"]}', 'x')).toThrow(
    /line 1: "person" is no tag/,
  );
  expect(() => parseTextLines('{"text": "a"}', 'x')).toThrow(/x, line 1 is no example.*Write {"text"/);
  expect(() => parseTextLines('{', 'x')).toThrow(/x, line 1 is no example/);
});
