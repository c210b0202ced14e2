import { expect, test } from 'vitest';
import { parseTokenizer, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

const text = 'First Citizen:\nBefore we proceed\tany further, \u{1F600} é!\r\n';

test('the vocabulary is the special tokens and the characters by code point', async () => {
  const tokenizer = await trainTokenizer({ kind: 'char', corpus: ['cab', 'b\n\u{1F600}'] });
  const tokens = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));
  expect(tokens).toEqual(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '\n', 'a', 'b', 'c', '\u{1F600}']);
});

test('decoding gives back the text, blanks and new lines too', async () => {
  const tokenizer = await trainTokenizer({ kind: 'char', corpus: text });
  expect(tokenizer.decode(tokenizer.encodeToIds(text))).toBe(text);
  expect(tokenizer.decode(tokenizer.encode(text).ids, { skipSpecialTokens: true })).toBe(text);
});

test('one token a code point, unknown ones and special ones among them', async () => {
  const tokenizer = await trainTokenizer({ kind: 'char', corpus: text });
  const encoding = tokenizer.encode('F\u{1F600}Q\uDC00[MASK]');
  expect(encoding.tokens).toEqual(['[CLS]', 'F', '\u{1F600}', '[UNK]', '[UNK]', '[MASK]', '[SEP]']);
  expect(encoding.offsets).toEqual([
    [0, 0],
    [0, 1],
    [1, 3],
    [3, 4],
    [4, 5],
    [5, 11],
    [0, 0],
  ]);
});

test('is written and read back as an equal tokenizer', async () => {
  const tokenizer = await trainTokenizer({ kind: 'char', corpus: text });
  const read = parseTokenizer(JSON.parse(JSON.stringify(tokenizer)));
  expect(read.kind).toBe('char');
  expect(read.toJSON()).toEqual(tokenizer.toJSON());
  expect(read.encode(text)).toEqual(tokenizer.encode(text));
});

test('a smaller alphabet keeps the most frequent characters', async () => {
  const tokenizer = await trainTokenizer({ kind: 'char', corpus: 'zzzyyxxw', limitAlphabet: 2 });
  expect(tokenizer.vocabSize).toBe(7);
  expect(tokenizer.decode(tokenizer.encodeToIds('wxyz'))).toBe('[UNK]x[UNK]z');
});
