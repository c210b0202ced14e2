/**
 * Tokens in files: what does not fit into memory. A folder of shards holds
 *
 * - `tokens-0.bin`, `tokens-1.bin`, …: the ids of all documents end to end, {@link shardTokens} in each file but the last, as
 *   uint16, or as uint32 where the vocabulary has more than 65,536 tokens;
 * - `lengths.bin`: the tokens of each document, uint32; `hashes.bin`: their hashes, float64;
 * - `index.json`: {@link ShardIndex}.
 *
 * Numbers are little-endian. A store hands out a folder only when it was written as a whole.
 */
import type { DocumentTokenizer } from './dataset.ts';
import { hashTokens, type TokenList } from './tokens.ts';

/** Where shards are kept: a folder of the disk, the origin's private file system. Names are plain words. */
export interface ShardStore {
  /** The folder of this name; undefined when none was written as a whole. */
  open(key: string): Promise<ShardFolder | undefined>;
  /** Begins a folder that replaces the one of this name when it is committed. */
  create(key: string): Promise<ShardWriter>;
}

export interface ShardFolder {
  /** The bytes of a file; undefined when there is none. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Opens a file for reading at any place; undefined when there is none. It stays open as long as the process. */
  openFile(name: string): Promise<ShardFile | undefined>;
}

export interface ShardFile {
  /** Bytes. */
  readonly size: number;
  /** Fills `target` from byte `at` on, at once: batches are made between two steps. */
  read(target: Uint8Array, at: number): void;
}

export interface ShardWriter {
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** From now on the folder can be opened. */
  commit(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

interface ShardIndex {
  format: 1;
  /** Documents that came, and entries that they made: two of the one that the boundary of the split falls into. */
  documents: number;
  entries: number;
  tokens: number;
  bytesPerToken: 2 | 4;
  /** Of a corpus that is one text: the entries before the validation part. */
  trainEntries: number | null;
}

/** Tokens of a file. */
const shardTokens = 1 << 26;

export interface ShardedTokens extends TokenList {
  readonly documents: number;
  readonly trainEntries: number | null;
}

export interface ShardOptions {
  /** Of a corpus that is one text: how many characters of a document in turn are for training. */
  cut?: (text: string) => number;
}

/** Encodes documents as they come into a folder of shards. On an error nothing is left of it. */
export async function writeShards(
  store: ShardStore,
  key: string,
  documents: AsyncIterable<readonly string[]>,
  tokenizer: DocumentTokenizer,
  { cut }: ShardOptions = {},
): Promise<void> {
  const writer = await store.create(key);
  try {
    const bytesPerToken = tokenizer.vocabSize > 1 << 16 ? 4 : 2;
    const shardOf = (written: number) => shardName(Math.floor(written / shardTokens));
    const tokens = new Appender(writer, shardOf, bytesPerToken);
    const lengths = new Appender(writer, () => 'lengths.bin', 4);
    const hashes = new Appender(writer, () => 'hashes.bin', 8);
    let count = 0;
    let trainEntries = 0;
    const enter = async (text: string) => {
      const ids = tokenizer.encodeToIds(text);
      for (let i = 0; i < ids.length; i++) if (tokens.push(ids[i])) await tokens.flush();
      if (lengths.push(ids.length)) await lengths.flush();
      if (hashes.push(hashTokens(ids))) await hashes.flush();
    };
    for await (const some of documents) {
      count += some.length;
      for (const text of some) {
        const end = cut?.(text) ?? 0;
        if (end > 0) {
          await enter(text.slice(0, end));
          trainEntries = lengths.count;
        }
        if (end < text.length) await enter(text.slice(end));
      }
    }
    for (const numbers of [tokens, lengths, hashes]) await numbers.flush();
    const index: ShardIndex = {
      format: 1,
      documents: count,
      entries: lengths.count,
      tokens: tokens.count,
      bytesPerToken,
      trainEntries: cut ? trainEntries : null,
    };
    await writer.append('index.json', new TextEncoder().encode(JSON.stringify(index)));
    await writer.commit();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** The tokens that were written under this name; undefined when there are none, or when files do not fit their index. */
export async function openShards(store: ShardStore, key: string): Promise<ShardedTokens | undefined> {
  const folder = await store.open(key);
  const text = await folder?.read('index.json');
  if (!folder || !text) return undefined;
  const index = JSON.parse(new TextDecoder().decode(text)) as ShardIndex;
  const { documents, entries, tokens, bytesPerToken, trainEntries } = index;
  const lengths = await folder.read('lengths.bin');
  const hashes = await folder.read('hashes.bin');
  const files: ShardFile[] = [];
  for (let first = 0; first < tokens; first += shardTokens) {
    const file = await folder.openFile(shardName(files.length));
    if (file?.size !== Math.min(shardTokens, tokens - first) * bytesPerToken) return undefined;
    files.push(file);
  }
  if (index.format !== 1 || lengths?.length !== 4 * entries || hashes?.length !== 8 * entries) {
    return undefined;
  }
  return {
    lengths: new Uint32Array(lengths.buffer),
    hashes: new Float64Array(hashes.buffer),
    documents,
    trainEntries,
    read: (start, end) => readTokens(files, bytesPerToken, start, end),
  };
}

const shardName = (number: number) => `tokens-${number}.bin`;

function readTokens(
  files: readonly ShardFile[],
  bytesPerToken: 2 | 4,
  start: number,
  end: number,
): Uint32Array {
  const ids = bytesPerToken === 2 ? new Uint16Array(end - start) : new Uint32Array(end - start);
  for (let at = start; at < end; ) {
    const number = Math.floor(at / shardTokens);
    const stop = Math.min(end, (number + 1) * shardTokens);
    const target = new Uint8Array(ids.buffer, (at - start) * bytesPerToken, (stop - at) * bytesPerToken);
    files[number].read(target, (at - number * shardTokens) * bytesPerToken);
    at = stop;
  }
  return ids instanceof Uint32Array ? ids : Uint32Array.from(ids);
}

/** Numbers gathered into pieces of 1 MiB, of which a shard holds a whole number. */
class Appender {
  /** Numbers that were pushed. */
  count = 0;
  private readonly writer: ShardWriter;
  private readonly name: (written: number) => string;
  private readonly numbers: Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
  private used = 0;

  constructor(writer: ShardWriter, name: (written: number) => string, bytes: 2 | 4 | 8) {
    this.writer = writer;
    this.name = name;
    const length = (1 << 20) / bytes;
    if (bytes === 2) this.numbers = new Uint16Array(length);
    else this.numbers = bytes === 4 ? new Uint32Array(length) : new Float64Array(length);
  }

  /** Whether it is time to flush. */
  push(value: number): boolean {
    this.count++;
    this.numbers[this.used++] = value;
    return this.used === this.numbers.length;
  }

  /** Writes what was pushed to the file that `name` gives for how much was written before. */
  async flush(): Promise<void> {
    if (this.used === 0) return;
    const name = this.name(this.count - this.used);
    const bytes = new Uint8Array(this.numbers.buffer, 0, this.used * this.numbers.BYTES_PER_ELEMENT);
    this.used = 0;
    await this.writer.append(name, bytes.slice());
  }
}
