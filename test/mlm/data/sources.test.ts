import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import {
  blobSource,
  type DocumentOptions,
  type Source,
  streamDocuments,
} from '../../../src/mlm/data/sources.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

const source = (name: string, ...parts: BlobPart[]): Source => blobSource(name, new Blob(parts));

/** The same bytes, in chunks of one length: every boundary falls everywhere. */
function inChunks(name: string, text: string, length: number): Source {
  const bytes = new TextEncoder().encode(text);
  return {
    ...source(name, bytes),
    async *stream() {
      for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    },
  };
}

async function documentsOf(from: Source, options?: DocumentOptions): Promise<string[]> {
  const documents: string[] = [];
  for await (const some of streamDocuments(from, options)) documents.push(...some);
  return documents;
}

async function gzip(data: BlobPart): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([data]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const parquet = (column: string, data: unknown[]) =>
  parquetWriteBuffer({ columnData: [{ name: column, data }], rowGroupSize: 3 } as never);

describe('plain text', () => {
  const text = '\uFEFFone\r\n two é世🙂 \r\n\r\n \t \rthree\rfour\n\n\n\nfive\r';
  test.each([1, 2, 3, 7, 1000])(
    'is the same in chunks of %i bytes, with every kind of line end',
    async (n) => {
      const from = inChunks('a.txt', text, n);
      expect(await documentsOf(from)).toEqual(['one\n two é世🙂', 'three\nfour', 'five']);
      expect(await documentsOf(from, { documents: 'line' })).toEqual([
        'one',
        'two é世🙂',
        'three',
        'four',
        'five',
      ]);
      const whole = 'one\n two é世🙂 \n\n \t \nthree\nfour\n\n\n\nfive\n';
      expect(await documentsOf(from, { documents: 'file' })).toEqual([whole]);
      expect(await documentsOf(from, { documents: 'stream' })).toEqual([whole]);
    },
  );

  test('a stream comes in pieces that end with a line and lose nothing', async () => {
    const long = `${'x'.repeat(99)}\n`.repeat(90_000);
    const pieces = await documentsOf(source('a.txt', long), { documents: 'stream' });
    expect(pieces.length).toBe(3);
    expect(pieces.every((piece) => piece.endsWith('\n'))).toBe(true);
    expect(pieces.join('') === long).toBe(true);
  });

  test('a line of 50 MB is one document, and has its tokens', async () => {
    const megabyte = `${'word'.repeat(12)}s `.repeat(20_000);
    const from = source('long.txt', ...Array<string>(50).fill(megabyte), '\nshort');
    const [long, short] = await documentsOf(from, { documents: 'line' });
    expect([long.length, short]).toEqual([49_999_999, 'short']);
    const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus: 'word word', vocabSize: 30 });
    expect(tokenizer.encodeToIds(long).length).toBe(1_000_000);
  });

  test.each([
    ['NUL bytes', Uint8Array.of(65, 0, 66), 'bad.txt is a binary file. Give plain text in UTF-8.'],
    ['a byte that is not UTF-8', Uint8Array.of(65, 0xff), 'bad.txt is not valid UTF-8. Convert it'],
    ['half a character', Uint8Array.of(65, 0xc3), 'bad.txt is not valid UTF-8. Convert it'],
    ['a lone surrogate', Uint8Array.of(0xed, 0xa0, 0x80), 'bad.txt is not valid UTF-8. Convert it'],
  ])('%s: one clear error', async (_, bytes, message) => {
    await expect(documentsOf(source('bad.txt', bytes))).rejects.toThrow(message);
  });
});

describe('.gz', () => {
  test('is read as what is inside', async () => {
    const bytes = await gzip('one\n\ntwo');
    expect(await documentsOf(source('https://x.org/a.TXT.gz?q=1', bytes))).toEqual(['one', 'two']);
    expect(await documentsOf(source('a.jsonl.gz', await gzip('{"text":"a"}')))).toEqual(['a']);
  });

  test('half a file and no gzip are one clear error', async () => {
    const bytes = await gzip(`${Math.random()}\n`.repeat(1000));
    for (const broken of [bytes.slice(0, bytes.length / 2), 'plain text']) {
      await expect(documentsOf(source('b.gz', broken))).rejects.toThrow(
        'b.gz is not a whole gzip file. Download or compress it again.',
      );
    }
  });
});

describe('.jsonl', () => {
  const lines =
    '{"text":"one\\ntwo","n":1}\r\n\n{"n":2,"text":"x \\ud800 \\u0000"}\n{"text":null}\n{"text":" "}';
  test('a record is a document; what surrogates and NULs it holds, tokenizers take', async () => {
    const documents = await documentsOf(source('a.jsonl', lines));
    expect(documents).toEqual(['one\ntwo', 'x \ud800 \0']);
    expect(await documentsOf(source('a.ndjson', lines), { documents: 'line' })).toHaveLength(3);
    for (const kind of ['char', 'bytes', 'wordpiece', 'bpe'] as const) {
      const tokenizer = await trainTokenizer({ kind, corpus: documents, vocabSize: 300 });
      const ids = tokenizer.encodeToIds(documents[1]);
      expect(ids.length).toBeGreaterThan(0);
      expect(tokenizer.decode(ids)).not.toMatch(/\p{Surrogate}/u);
    }
  });

  test('another field, and errors that name the record', async () => {
    const from = source('a.jsonl', '{"body":"x"}\n{"title":"y","n":1}\n{');
    await expect(documentsOf(from)).rejects.toThrow(
      'a.jsonl, record 1 has no text in the field text. Name the field that holds it with --text-field; there are: body.',
    );
    await expect(documentsOf(from, { textField: 'body' })).rejects.toThrow(
      'record 2 has no text in the field body',
    );
    const broken = source('b.jsonl', '{"text":"x"}\n{"text":');
    await expect(documentsOf(broken)).rejects.toThrow(
      'b.jsonl, record 2 is not JSON. Give one JSON object a line.',
    );
  });
});

describe('.parquet', () => {
  test('the column, row group by row group', async () => {
    const texts = ['a', 'b\nc', '', 'd', 'e', 'f', 'g'];
    const from = source('a.parquet', parquet('text', texts));
    const groups: string[][] = [];
    for await (const some of streamDocuments(from)) groups.push(some);
    expect(groups).toEqual([['a', 'b\nc'], ['d', 'e', 'f'], ['g']]);
    const other = source('a.parquet', parquet('body', texts));
    expect(await documentsOf(other, { textField: 'body', documents: 'line' })).toHaveLength(7);
  });

  test('no such column, no text in it, no Parquet: one clear error', async () => {
    await expect(documentsOf(source('a.parquet', parquet('body', ['x'])))).rejects.toThrow(
      'a.parquet has no column text. Name the column that holds the text with --text-field; there are: body.',
    );
    await expect(documentsOf(source('a.parquet', parquet('text', [1.5, 2])))).rejects.toThrow(
      'a.parquet: the column text holds no text. Name another',
    );
    await expect(documentsOf(source('a.parquet', 'nothing of the kind'))).rejects.toThrow(
      /^a.parquet cannot be read as Parquet \(.*\)\. Download or write it again\.$/,
    );
  });
});
