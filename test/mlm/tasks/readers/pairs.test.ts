import * as v from 'valibot';
import { expect, test } from 'vitest';
import { parseJsonl, textField } from '../../../../src/mlm/tasks/readers/jsonl.ts';
import { parsePairs } from '../../../../src/mlm/tasks/readers/pairs.ts';

test('a sentence, a tab and its translation a line; what stands behind is left aside', () => {
  expect(parsePairs('Hi.\t嗨。\r\n\n Run. \t跑。\tCC-BY 2.0\n', 'x.tsv')).toEqual([
    { text: 'Hi.', labels: ['嗨。'] },
    { text: 'Run.', labels: ['跑。'] },
  ]);
  expect(() => parsePairs('Hi.\t嗨。\nRun.\t \n', 'x.tsv')).toThrow(
    /x\.tsv, line 2: it wants a sentence, a tab/,
  );
  expect(() => parsePairs('\n', 'x.tsv')).toThrow(/holds no example/);
});

test('JSONL: a line at fault is named with its field', () => {
  const fields = { text: textField, slots: v.optional(v.record(textField, textField), {}) };
  expect(parseJsonl('{"text":" a ","more":1}\n\n{"text":"b","slots":{"x":"y"}}\n', 'x', fields)).toEqual([
    { text: 'a', slots: {} },
    { text: 'b', slots: { x: 'y' } },
  ]);
  expect(() => parseJsonl('{"text":"a"}\n{"txt":"b"}', 'x', fields)).toThrow(/x, line 2: text is not valid/);
  expect(() => parseJsonl('{"text":" "}', 'x', fields)).toThrow(/x, line 1: text is not valid: it is empty/);
  expect(() => parseJsonl('{"text":"a","slots":{"x":3}}', 'x', fields)).toThrow(
    /line 1: slots\.x is not valid/,
  );
  expect(() => parseJsonl('a\tb', 'x', fields)).toThrow(/x, line 1 is not JSON/);
  expect(() => parseJsonl(' \n', 'x', fields)).toThrow(/x holds no example/);
});
