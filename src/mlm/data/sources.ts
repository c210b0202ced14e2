/**
 * Where text comes from, as a stream of documents: plain text, .jsonl, .parquet, and the first two compressed as .gz.
 * Whatever the size of a source, a few of its documents are in memory at a time.
 */
import { ClozeError } from '../../gpu/errors.ts';
import { type DocumentKind, DocumentSplitter, splitDocuments } from './documents.ts';
import { parquetRows } from './parquet.ts';

/** A file, a page's `File`, a download. */
export interface Source {
  /** What it is called in messages; the end of its path tells its format. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** All bytes from the start on. May be called more than once. */
  stream(): AsyncIterable<Uint8Array>;
  /** The bytes from `start` to before `end`. */
  slice(start: number, end: number): Promise<ArrayBuffer>;
}

export interface DocumentOptions {
  /**
   * Default `paragraph` in plain text. A record of .jsonl or .parquet is a document by itself, unless this asks for its lines or
   * its paragraphs.
   */
  documents?: DocumentKind;
  /** The field of .jsonl and the column of .parquet that holds the text. Default `text`. */
  textField?: string;
}

/** A Blob, a `File` that a user chose, or one of the origin's private file system. */
export function blobSource(name: string, blob: Blob): Source {
  return {
    name,
    size: blob.size,
    stream: () => chunksOf(blob.stream()),
    slice: (start, end) => blob.slice(start, end).arrayBuffer(),
  };
}

/**
 * The documents of a source in order, some at a time. Throws ClozeError `input`, naming the source, for what is not UTF-8 text,
 * for records without the field, and for a compressed or columnar file that is broken.
 */
export async function* streamDocuments(
  source: Source,
  { documents, textField = 'text' }: DocumentOptions = {},
): AsyncGenerator<string[]> {
  const path = source.name.replace(/^(https?:[^?#]*)[?#].*$/i, '$1').toLowerCase();
  const records = documents === 'line' || documents === 'paragraph' ? documents : undefined;
  const whole = (texts: string[]) =>
    (records ? texts.flatMap((text) => splitDocuments(text, records)) : texts).filter(hasText);
  if (path.endsWith('.parquet')) {
    for await (const texts of parquetRows(source, textField)) yield whole(texts);
    return;
  }
  const compressed = path.endsWith('.gz');
  const bytes = compressed ? decompressed(source.stream(), source.name) : source.stream();
  if (/\.(jsonl|ndjson)(\.gz)?$/.test(path)) {
    for await (const texts of jsonRecords(decoded(bytes, source.name), source.name, textField)) {
      yield whole(texts);
    }
    return;
  }
  const splitter = new DocumentSplitter(documents ?? 'paragraph', source.name);
  for await (const text of decoded(bytes, source.name)) yield splitter.push(text);
  yield splitter.end();
}

const hasText = (text: string) => /\S/.test(text);

/** The text that bytes in UTF-8 stand for; a byte order mark is dropped. */
async function* decoded(bytes: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      throw new ClozeError('input', `${source} is not valid UTF-8`, 'Convert it to UTF-8 first.', { cause });
    }
  };
  for await (const chunk of bytes) {
    if (chunk.includes(0)) {
      throw new ClozeError('input', `${source} is a binary file`, 'Give plain text in UTF-8.');
    }
    yield decode(chunk);
  }
  yield decode();
}

async function* jsonRecords(
  texts: AsyncIterable<string>,
  source: string,
  field: string,
): AsyncGenerator<string[]> {
  // Records are lines, so that an unfinished one waits for its end.
  const splitter = new DocumentSplitter('line', source);
  let number = 0;
  const read = (line: string) => jsonText(line, `${source}, record ${++number}`, field);
  for await (const text of texts) yield splitter.push(text).map(read);
  yield splitter.end().map(read);
}

function jsonText(line: string, place: string, field: string): string {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (cause) {
    throw new ClozeError('input', `${place} is not JSON`, 'Give one JSON object a line.', { cause });
  }
  const fields = typeof record === 'object' && record !== null ? (record as Record<string, unknown>) : {};
  const text = fields[field];
  if (typeof text === 'string') return text;
  if (text === null) return '';
  throw new ClozeError(
    'input',
    `${place} has no text in the field ${field}`,
    `Name the field that holds it with --text-field; there are: ${Object.keys(fields).join(', ') || 'none'}.`,
  );
}

async function* decompressed(bytes: AsyncIterable<Uint8Array>, source: string): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new DecompressionStream('gzip');
  const writer = writable.getWriter();
  let failure: unknown;
  const fed = (async () => {
    for await (const chunk of bytes) await writer.write(chunk as Uint8Array<ArrayBuffer>);
    await writer.close();
  })().catch((error) => {
    failure = error;
    return writer.abort(error).catch(() => {});
  });
  try {
    yield* chunksOf(readable);
  } catch (cause) {
    await fed;
    if (failure instanceof ClozeError) throw failure;
    const what = `${source} is not a whole gzip file`;
    throw new ClozeError('input', what, 'Download or compress it again.', { cause });
  }
  await fed;
}

/** What a stream holds; it is cancelled when the consumer has enough. */
export async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => {});
  }
}
