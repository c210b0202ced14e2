import { describe, expect, test } from 'vitest';
import { ClozeError } from '../../../src/gpu/errors.ts';
import { parseTokenizer, parseVocabTxt, trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: the tests below break the file in every way
type File = any;

const wordPiece: File = await fileOf('wordpiece');
const byteBpe: File = await fileOf('bpe');
const char: File = await fileOf('char');

async function fileOf(kind: 'char' | 'wordpiece' | 'bpe'): Promise<File> {
  const tokenizer = await trainTokenizer({ kind, corpus: 'to be or not to be', vocabSize: 300 });
  return JSON.parse(JSON.stringify(tokenizer));
}

function broken(file: File, change: (file: File) => void): () => unknown {
  const copy = structuredClone(file);
  change(copy);
  return () => parseTokenizer(copy, 'a/tokenizer.json');
}

function expectFormat(read: () => unknown, ...words: string[]): void {
  let error: unknown;
  try {
    read();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(ClozeError);
  expect((error as ClozeError).code).toBe('format');
  for (const word of words) expect((error as ClozeError).message).toContain(word);
  expect((error as ClozeError).message).not.toContain('\n');
}

describe('tokenizer.json that is refused', () => {
  test.each([null, 3, 'text', [], {}, { model: null }, { model: { type: 'WordPiece' } }])(
    'not a tokenizer: %j',
    (json) => {
      expectFormat(() => parseTokenizer(json, 'a/tokenizer.json'), 'a/tokenizer.json');
    },
  );

  test('a vocabulary with a hole, an id used twice, or no id', () => {
    expectFormat(
      broken(wordPiece, (file) => delete file.model.vocab.e),
      'model.vocab',
      'no token has the id',
    );
    expectFormat(
      broken(wordPiece, (file) => {
        file.model.vocab.b = file.model.vocab.e;
      }),
      'share the id',
    );
    for (const id of [-1, 1.5, '7', null, 1e300]) {
      expectFormat(
        broken(wordPiece, (file) => {
          file.model.vocab.b = id;
        }),
        'the id of "b" is',
      );
    }
    expectFormat(
      broken(wordPiece, (file) => {
        file.model.vocab = ['a', 'b'];
      }),
      'field model.vocab',
    );
  });

  test('a special token that is missing or disagrees with the vocabulary', () => {
    for (const file of [wordPiece, char]) {
      const renamed = broken(file, (copy) => {
        delete copy.model.vocab['[MASK]'];
        copy.model.vocab['¤'] = 4;
        copy.added_tokens.pop();
      });
      expectFormat(renamed, 'no [MASK] token');
    }
    expectFormat(
      broken(wordPiece, (file) => {
        file.added_tokens[4].id = Object.keys(file.model.vocab).length;
      }),
      '"[MASK]" has two ids',
    );
    expectFormat(
      broken(wordPiece, (file) => {
        file.added_tokens[1].content = 5;
      }),
      'field added_tokens.1.content',
    );
  });

  test('models and parts that are not known, by name', () => {
    expectFormat(
      broken(wordPiece, (file) => {
        file.model.type = 'Bigram';
      }),
      'Bigram',
      'Unigram',
    );
    expectFormat(
      broken(wordPiece, (file) => {
        file.model.type = 'Unigram';
      }),
      'field model.vocab',
    );
    expectFormat(
      broken(wordPiece, (file) => {
        file.normalizer = { type: 'Scramble' };
      }),
      'a/tokenizer.json cannot be used',
      'Scramble',
    );
    expectFormat(
      broken(wordPiece, (file) => {
        file.pre_tokenizer = { type: 'Shred' };
      }),
      'Shred',
    );
    expectFormat(
      broken(byteBpe, (file) => {
        file.model.dropout = 0.1;
      }),
      'field model.dropout',
    );
    expectFormat(
      broken(byteBpe, (file) => {
        file.post_processor.type = 'Sequence';
      }),
      'post_processor',
      'Sequence',
    );
    expectFormat(
      broken(char, (file) => {
        file.model.merges = ['t o'];
      }),
      'field model.merges',
    );
  });

  test('a template that names no known token or leaves out a text', () => {
    expectFormat(
      broken(wordPiece, (file) => {
        file.post_processor.single[0].SpecialToken.id = '[START]';
      }),
      '[START]',
    );
    expectFormat(
      broken(wordPiece, (file) => file.post_processor.pair.splice(1, 1)),
      'post_processor.pair',
    );
  });

  test('merges of unknown tokens, and bytes without a token', () => {
    expectFormat(
      broken(byteBpe, (file) => {
        file.model.merges[1] = 'q zz';
      }),
      'field model.merges.1',
    );
    expectFormat(
      broken(byteBpe, (file) => {
        file.model.vocab['Ā!'] = file.model.vocab.Ā;
        delete file.model.vocab.Ā;
      }),
      'the byte 0',
    );
  });

  test('a character tokenizer whose tokens are longer', () => {
    expectFormat(
      broken(char, (file) => {
        file.model.vocab.be = file.model.vocab.b;
        delete file.model.vocab.b;
      }),
      '"be" is not one character',
    );
  });
});

describe('tokenizer.json that is read', () => {
  test('special tokens are known though the file forgets to list them', () => {
    const file = structuredClone(wordPiece);
    file.added_tokens = [];
    expect(parseTokenizer(file).encode('[MASK]').tokens).toEqual(['[CLS]', '[MASK]', '[SEP]']);
  });

  test('without a post-processor nothing is added', () => {
    const file = structuredClone(wordPiece);
    file.post_processor = null;
    expect(parseTokenizer(file).encode('to be').tokens).toEqual(['to', 'be']);
  });

  test.each(['BertProcessing', 'RobertaProcessing'])('%s', (type) => {
    const file = structuredClone(wordPiece);
    file.post_processor = { type, cls: ['[CLS]', 2], sep: ['[SEP]', 3] };
    const encoding = parseTokenizer(file).encode('to', { pair: 'be' });
    const roberta = type === 'RobertaProcessing';
    expect(encoding.tokens.join(' ')).toBe(`[CLS] to [SEP] ${roberta ? '[SEP] ' : ''}be [SEP]`);
    expect(encoding.typeIds).toEqual(roberta ? [0, 0, 0, 0, 0, 0] : [0, 0, 0, 1, 1]);
  });

  test('added tokens: inside words or not, longest first, with the blanks beside them', () => {
    const file = structuredClone(wordPiece);
    const next = Object.keys(file.model.vocab).length;
    file.added_tokens.push(
      { id: next, content: '<a>' },
      { id: next + 1, content: '<a><b>', lstrip: true, rstrip: true },
      { id: next + 2, content: 'bee', single_word: true },
    );
    const tokenizer = parseTokenizer(file);
    const text = 'to <a><b>  be<a> bee bees';
    const { tokens, offsets } = tokenizer.encode(text, { addSpecialTokens: false });
    expect(tokens).toEqual(['to', '<a><b>', 'be', '<a>', 'bee', '[UNK]']);
    expect(offsets[1]).toEqual([2, 11]);
    expect(tokenizer.specialIds.has(next)).toBe(false);
  });

  test('merges in either notation, and a blank put before the text', () => {
    const file = structuredClone(byteBpe);
    file.model.merges = file.model.merges.map((merge: string) => merge.split(' '));
    file.pre_tokenizer.add_prefix_space = true;
    const { tokens, offsets } = parseTokenizer(file).encode('be', { addSpecialTokens: false });
    expect(tokens).toEqual(['Ġbe']);
    expect(offsets).toEqual([[0, 2]]);
  });
});

describe('vocab.txt', () => {
  const special = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]';

  test('is refused with an empty line, a token twice, or without [MASK]', () => {
    expectFormat(() => parseVocabTxt(`${special}\n\na`, { name: 'v.txt' }), 'v.txt', 'id 5 is empty');
    expectFormat(() => parseVocabTxt(`${special}\na\na`), '"a" has two ids, 5 and 6');
    expectFormat(() => parseVocabTxt('[PAD]\n[UNK]\n[CLS]\n[SEP]'), 'no [MASK] token');
    expectFormat(() => parseVocabTxt(''), 'vocab.txt');
  });

  test('may end with or without a new line', () => {
    expect(parseVocabTxt(`${special}\na\n`).toJSON()).toEqual(parseVocabTxt(`${special}\r\na`).toJSON());
  });
});
