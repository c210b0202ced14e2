import { expect, test } from 'vitest';
import { parseTokenizer, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

const corpus = ['the cat sat on the mat, the cat sat\n', "it's the other cat; the café is théirs \u{1F600}"];
const train = () => trainTokenizer({ kind: 'bpe', corpus, vocabSize: 290 });

test('merges in the order in which they were learnt', async () => {
  const tokenizer = await train();
  expect(tokenizer.encode(' the cat', { addSpecialTokens: false }).tokens).toEqual(['Ġthe', 'Ġcat']);
});

test('decoding gives back any text', async () => {
  const tokenizer = await train();
  const text = "\ufeff  the  zebra's\n\n\u{1F600}\u0000 世界 café \t";
  expect(tokenizer.decode(tokenizer.encodeToIds(text))).toBe(text);
  expect(tokenizer.decode(tokenizer.encodeToIds('a\uD800b'))).toBe('a\uFFFDb');
});

test('a token that is part of a character has the place of all of it', async () => {
  const tokenizer = await train();
  const { tokens, offsets } = tokenizer.encode('x世', { addSpecialTokens: false });
  expect(tokens).toHaveLength(4);
  expect(offsets.slice(1)).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

test('special tokens stand as in RoBERTa, and a mask takes the blank before it', async () => {
  const tokenizer = await train();
  const encoding = tokenizer.encode('the <mask> sat', { pair: 'cat' });
  expect(encoding.tokens.slice(0, 4)).toEqual(['<s>', 'the', '<mask>', 'Ġsat']);
  expect(encoding.tokens.filter((token) => token === '</s>')).toHaveLength(3);
  expect(encoding.offsets[2]).toEqual([3, 10]);
});

test('a word starts at a blank', async () => {
  const tokenizer = await train();
  expect(tokenizer.isWordStart(tokenizer.tokenToId('Ġthe')!)).toBe(true);
  expect(tokenizer.isWordStart(tokenizer.tokenToId('the')!)).toBe(false);
  expect(tokenizer.isWordStart(tokenizer.special.mask)).toBe(true);
});

test('is written and read back as an equal tokenizer', async () => {
  const tokenizer = await train();
  const read = parseTokenizer(JSON.parse(JSON.stringify(tokenizer)));
  expect(read.toJSON()).toEqual(tokenizer.toJSON());
  expect(read.special).toEqual(tokenizer.special);
  expect(read.encode(corpus[1])).toEqual(tokenizer.encode(corpus[1]));
});
