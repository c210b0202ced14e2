import { describe, expect, test } from 'vitest';
import { ClozeError } from '../../../src/gpu/errors.ts';
import { parseVocabTxt } from '../../../src/mlm/tokenizer/index.ts';

const vocabulary =
  "[PAD] [UNK] [CLS] [SEP] [MASK] un aff ##aff ##able ##s the cat cafe it ' s don t , . ! 世 a".split(' ');
const tokenizer = parseVocabTxt(`${vocabulary.join('\r\n')}\r\n`);

describe('cutting', () => {
  test('takes the longest token that fits, from left to right', () => {
    expect(tokenizer.encode('Unaffable cats').tokens).toEqual([
      '[CLS]',
      'un',
      '##aff',
      '##able',
      'cat',
      '##s',
      '[SEP]',
    ]);
  });

  test('makes one unknown token of a word that cannot be covered, or is longer than 100 characters', () => {
    const tokens = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).tokens;
    expect(tokens('catx the')).toEqual(['[UNK]', 'the']);
    expect(tokens(`cat${'s'.repeat(97)}`)).toHaveLength(98);
    expect(tokens(`cat${'s'.repeat(98)}`)).toEqual(['[UNK]']);
  });

  test('gives offsets into the text as it was written, and words', () => {
    const text = ' The  CAFE\u0301s, \u{1F600}世a[MASK].';
    const encoding = tokenizer.encode(text);
    const parts = encoding.offsets.map(([start, end]) => text.slice(start, end));
    expect(encoding.tokens).toEqual([
      '[CLS]',
      'the',
      'cafe',
      '##s',
      ',',
      '[UNK]',
      '世',
      'a',
      '[MASK]',
      '.',
      '[SEP]',
    ]);
    expect(parts).toEqual(['', 'The', 'CAFE', 's', ',', '\u{1F600}', '世', 'a', '[MASK]', '.', '']);
    expect(encoding.wordIds).toEqual([null, 0, 1, 1, 2, 3, 4, 5, 6, 7, null]);
    expect(encoding.specialTokensMask).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1]);
  });

  test('is the same from the cache, from a fresh tokenizer, and without the rest of an encoding', () => {
    const text = 'unaffable the cats, unaffable the cats';
    const fresh = parseVocabTxt(vocabulary.join('\n'));
    expect(tokenizer.encode(text)).toEqual(fresh.encode(text));
    expect(tokenizer.encode(text)).toEqual(tokenizer.encode(text));
    expect(Array.from(tokenizer.encodeToIds(text))).toEqual(
      tokenizer.encode(text, { addSpecialTokens: false }).ids,
    );
  });

  test('reads an unpaired surrogate as U+FFFD, which BERT drops', () => {
    expect(tokenizer.encode('ca\uD83Dt')).toEqual(tokenizer.encode('ca\uFFFDt'));
    expect(tokenizer.encode('ca\uD83Dt').tokens).toEqual(['[CLS]', 'cat', '[SEP]']);
  });
});

describe('pairs, truncation and padding', () => {
  test('a pair without special tokens keeps its type ids', () => {
    const encoding = tokenizer.encode('the', { pair: 'cat s', addSpecialTokens: false });
    expect(encoding.tokens).toEqual(['the', 'cat', 's']);
    expect(encoding.typeIds).toEqual([0, 1, 1]);
    expect(encoding.wordIds).toEqual([0, 0, 1]);
  });

  test('padding is no special case of the text', () => {
    const encoding = tokenizer.encode('the', { maxLength: 5, padding: 'max_length' });
    expect(encoding.tokens).toEqual(['[CLS]', 'the', '[SEP]', '[PAD]', '[PAD]']);
    expect(encoding.attentionMask).toEqual([1, 1, 1, 0, 0]);
    expect(encoding.specialTokensMask).toEqual([1, 0, 1, 1, 1]);
  });

  test('cuts down to the special tokens and refuses to go further', () => {
    const options = { pair: 'cat', truncation: 'longest_first' } as const;
    expect(tokenizer.encode('the', { ...options, maxLength: 3 }).tokens).toEqual(['[CLS]', '[SEP]', '[SEP]']);
    expect(() => tokenizer.encode('the', { ...options, maxLength: 2 })).toThrow(
      'maxLength is 2, and the special tokens alone take 3',
    );
    expect(() => tokenizer.encode('the', { padding: 'max_length' })).toThrow(ClozeError);
  });
});

test('decoding joins words and takes back the blanks around punctuation', () => {
  const ids = tokenizer.encode("It's the unaffable cats, don't!").ids;
  expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe("it's the unaffable cats, don't!");
  expect(tokenizer.decode(ids)).toBe("[CLS] it's the unaffable cats, don't! [SEP]");
  expect(() => tokenizer.decode([99])).toThrow('No token has the id 99');
});

test('tokens, ids and word starts', () => {
  expect(tokenizer.special).toEqual({ pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 });
  expect([...tokenizer.specialIds]).toEqual([0, 1, 2, 3, 4]);
  expect(tokenizer.tokenToId('cat')).toBe(vocabulary.indexOf('cat'));
  expect(tokenizer.tokenToId('dog')).toBeUndefined();
  expect(tokenizer.isWordStart(tokenizer.tokenToId('cat')!)).toBe(true);
  expect(tokenizer.isWordStart(tokenizer.tokenToId('##s')!)).toBe(false);
});

test('the cased reading keeps capitals and accents', () => {
  const cased = parseVocabTxt([...vocabulary, 'Café'].join('\n'), { lowercase: false });
  expect(cased.encode('Café cafe', { addSpecialTokens: false }).tokens).toEqual(['Café', 'cafe']);
});
