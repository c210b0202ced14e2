import { describe, expect, test } from 'vitest';
import { stories } from '../../../src/mlm/data/stories.ts';
import { parseTokenizer, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: a file that the tests change
type File = any;

const pieces = (
  '<pad> 0, </s> 0, <unk> 0, ▁ -2, ▁the -3, ▁cat -4, ▁sat -4.5, s -3.5, at -4, ▁c -5, a -5, t -5.5, ca -4.75, c -5.25, ' +
  'on -4.25, ▁on -4.125, . -3.25, fi -6, sh -5.125, h -6.5, e -4.5, n -5.75, o -5.875, 1 -7'
)
  .split(', ')
  .map((line): [string, number] => [line.split(' ')[0], Number(line.split(' ')[1])]);

const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true };

/** A unigram model as SentencePiece makes them, in small. */
const unigram: File = {
  version: '1.0',
  added_tokens: ['<pad>', '</s>', '<unk>'].map((content, id) => ({ id, content, special: true })),
  normalizer: { type: 'NFKC' },
  pre_tokenizer: metaspace,
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }],
    pair: [
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 0 } },
      { SpecialToken: { id: '</s>', type_id: 0 } },
    ],
  },
  decoder: metaspace,
  model: { type: 'Unigram', unk_id: 2, vocab: pieces },
};

/** The best score of all ways to write a word as pieces, by trying each. */
function bestScore(word: string): number {
  if (word === '') return 0;
  const scores = pieces
    .filter(([piece]) => word.startsWith(piece))
    .map(([piece, score]) => score + bestScore(word.slice(piece.length)));
  return Math.max(Number.NEGATIVE_INFINITY, ...scores);
}

describe('a unigram model', () => {
  const tokenizer = parseTokenizer(unigram);

  // The ids are those of Hugging Face's tokenizers 0.23.2 in Python.
  test.each([
    ['the cat sat on the cats.', [4, 5, 6, 15, 4, 5, 7, 16], 'the cat sat on the cats.'],
    ['  the   cat', [3, 4, 3, 3, 5], ' the   cat'],
    ['ﬁsh', [3, 17, 18], 'fish'],
    ['the \u{1F431}\u{1F408} cat', [4, 3, 2, 5], 'the <unk> cat'],
    ['caﬁn①', [3, 12, 17, 21, 23], 'cafin1'],
    ['zz</s>cat zz', [3, 2, 1, 5, 3, 2], '<unk></s> cat <unk>'],
    ['', [], ''],
    ['catsatonthe', [5, 7, 8, 14, 11, 19, 20], 'catsatonthe'],
  ])('gives the ids of %j, and the text again', (text, ids, decoded) => {
    expect(Array.from(tokenizer.encodeToIds(text))).toEqual(ids);
    expect(tokenizer.encode(text).ids).toEqual([...ids, 1]);
    expect(tokenizer.decode(ids)).toBe(decoded);
  });

  test('takes the likeliest of all ways to write a word', () => {
    for (const word of ['cats', 'satcat', 'theses', 'ononsat', 'catcatcat', 'notes']) {
      const ids = Array.from(tokenizer.encodeToIds(word));
      const score = ids.reduce((sum, id) => sum + pieces[id][1], 0);
      expect(score, word).toBeCloseTo(bestScore(`▁${word}`), 10);
    }
  });

  test('says where tokens stand and which words they belong to', () => {
    const text = ' the ﬁsh \u{1F431}\u{1F408} sat</s>on';
    const { tokens, offsets, wordIds } = tokenizer.encode(text, { addSpecialTokens: false });
    const seen = tokens.map((token, i) => [token, text.slice(...offsets[i]), wordIds[i]]);
    expect(seen).toEqual([
      ['▁the', 'the', 0],
      ['▁', ' ', 1],
      ['fi', 'ﬁ', 1],
      ['sh', 'sh', 1],
      ['▁', ' ', 2],
      ['<unk>', '\u{1F431}\u{1F408}', 2],
      ['▁sat', 'sat', 3],
      ['</s>', '</s>', 4],
      ['▁on', 'on', 5],
    ]);
  });

  test('knows its special tokens, where words begin, and its kind', () => {
    expect(tokenizer.special).toEqual({ pad: 0, unk: 2, cls: 1, sep: 1, mask: -1 });
    expect(
      ['▁cat', 's', '▁', '</s>'].map((token) => tokenizer.isWordStart(tokenizer.tokenToId(token)!)),
    ).toEqual([true, false, true, true]);
    expect(tokenizer.kind).toBe('unigram');
  });

  test('is written and read back as the same file', () => {
    const written = JSON.parse(JSON.stringify(tokenizer));
    expect(parseTokenizer(written).toJSON()).toEqual(tokenizer.toJSON());
    expect(written.model).toEqual(unigram.model);
    const { type, ...untyped } = unigram.model;
    expect(type).toBe('Unigram');
    expect(Array.from(parseTokenizer({ ...unigram, model: untyped }).encodeToIds('cats'))).toEqual([5, 7]);
  });

  test('a word that is longer than the library takes is cut, not lost', () => {
    const ids = tokenizer.encodeToIds('cat'.repeat(20_000));
    expect(tokenizer.decode(ids).replaceAll(/[ ▁]/g, '')).toBe('cat'.repeat(20_000));
  });

  test('bytes for unknown characters are refused, since the library has none', () => {
    const file = { ...unigram, model: { ...unigram.model, byte_fallback: true } };
    expect(() => parseTokenizer(file, 'x.json')).toThrow('x.json, field model.byte_fallback');
  });
});

describe('families that are written out here, through the library', async () => {
  const corpus = stories({ count: 200, seed: 0 });
  const strange = ['Zoë, naïve Ångström', 'two  blanks\n\nand é世🙂 "signs"', ' begins', "don't 3.5 ﬁ", ''];

  const inSequence = (file: File) => ({
    ...file,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [file.pre_tokenizer] },
  });

  test.each([
    ['wordpiece', inSequence],
    ['bpe', inSequence],
    ['bpe', (file: File) => ({ ...file, normalizer: { type: 'NFC' } })],
  ] as const)('%s gives the same tokens in the same places', async (kind, change) => {
    const ours = await trainTokenizer({ kind, corpus, vocabSize: 600 });
    const theirs = parseTokenizer(change(JSON.parse(JSON.stringify(ours))));
    expect(theirs.constructor).not.toBe(ours.constructor);
    for (const text of [...corpus.slice(0, 40), ...strange]) {
      const [want, got] = [ours.encode(text), theirs.encode(text)];
      expect(got.tokens, text).toEqual(want.tokens);
      expect(got.ids, text).toEqual(want.ids);
      expect(got.offsets, text).toEqual(want.offsets);
    }
    for (let id = 0; id < ours.vocabSize; id++)
      expect(theirs.isWordStart(id), `${id}`).toBe(ours.isWordStart(id));
  });
});
