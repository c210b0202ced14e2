/**
 * A session whose corpus never lies in memory: documents stream through the tokenizer into shards, which are kept under a name
 * that holds all they depend on, so that the next start finds them.
 */
import { ClozeError } from '../../gpu/errors.ts';
import { parseTokenizer, type Tokenizer, trainedKinds, trainTokenizer } from '../tokenizer/index.ts';
import { type Corpus, characterCut, collect, drawValidation, tooSmallToSplit } from './corpus.ts';
import { cutRows } from './dataset.ts';
import {
  buildSession,
  buildWholeText,
  readsStream,
  type ScoredText,
  type Session,
  type SessionOptions,
  sessionOf,
} from './session.ts';
import { openShards, type ShardedTokens, type ShardStore, writeShards } from './shards.ts';
import { type DocumentOptions, type Source, streamDocuments } from './sources.ts';

export interface ShardedParts {
  /** What a user would call the corpus. */
  name: string;
  sources: readonly Source[];
  store: ShardStore;
  /** Is told how far a pass over the sources is. */
  progress?: (share: number, what: string) => void;
}

/** Bytes of text above which a corpus is not read into memory but tokenised into shards. */
const memoryLimit = 64e6;

/** The corpus in memory; of one with more than `limit` bytes of text, where it is to be streamed from. */
export async function corpusOrParts(
  parts: ShardedParts,
  options: SessionOptions,
  limit = memoryLimit,
): Promise<Corpus | ShardedParts> {
  const { name, sources } = parts;
  const size = sources.reduce((sum, source) => sum + textBytes(source), 0);
  if (size > limit) return parts;
  return collect(name, sources, readingOf(options));
}

/** About how much text a source holds: compressed files grow to several times their size. */
function textBytes({ name, size }: Source): number {
  return /\.(gz|parquet)([?#].*)?$/i.test(name) ? 4 * size : size;
}

/** What {@link corpusOrParts} gave as a session. */
export function sessionOfEither(
  opened: Corpus | ShardedParts,
  options: SessionOptions,
  given?: Tokenizer,
): Promise<Session> {
  if ('documents' in opened) return buildSession(opened, options, given);
  return buildShardedSession(opened, options, given);
}

/** All of what {@link corpusOrParts} gave, to be scored. */
export async function textOfEither(
  opened: Corpus | ShardedParts,
  options: SessionOptions,
  tokenizer: Tokenizer,
): Promise<ScoredText> {
  if ('documents' in opened) return buildWholeText(opened, options, tokenizer);
  return buildShardedText(opened, options, tokenizer);
}

/** As `buildSession`: the same rows, for sources of any size. Throws what streaming and splitting throw. */
async function buildShardedSession(
  parts: ShardedParts,
  options: SessionOptions,
  given?: Tokenizer,
): Promise<Session> {
  const corpus = new StreamedCorpus(parts, options);
  const { validation: fraction, seed } = options;
  const { stream } = corpus;
  const tokenizer = given ?? (await learned(corpus, options));
  const cut = stream ? async () => characterCut((await corpus.survey()).characters, fraction) : undefined;
  const tokens = await corpus.tokens(tokenizer, cut && { fraction, cut });
  const { documents, trainEntries } = tokens;
  if (tokens.lengths.length < 2) throw tooSmallToSplit(documents);
  const chosen = stream ? undefined : drawValidation(documents, fraction, seed);
  const isValidation = (document: number) =>
    chosen ? chosen[document] === 1 : document >= (trainEntries ?? 0);
  const { name } = parts;
  return sessionOf(tokens, isValidation, { name, documents, tokenizer, seqLen: options.seqLen, stream });
}

/** As `buildWholeText`, for sources of any size. */
async function buildShardedText(
  parts: ShardedParts,
  options: SessionOptions,
  tokenizer: Tokenizer,
): Promise<ScoredText> {
  const corpus = new StreamedCorpus(parts, options);
  const tokens = await corpus.tokens(tokenizer);
  const rows = corpus.stream ? 'contiguous' : 'document';
  const validation = cutRows(tokens, () => true, tokenizer, { seqLen: options.seqLen, rows });
  return { name: parts.name, validation };
}

/** How many documents there are, and how many UTF-16 units they have. */
interface Survey {
  documents: number;
  characters: number;
}

class StreamedCorpus {
  readonly stream: boolean;
  readonly parts: ShardedParts;
  private readonly options: SessionOptions;
  private content?: Promise<string>;
  private surveyed?: Promise<Survey>;

  constructor(parts: ShardedParts, options: SessionOptions) {
    this.parts = parts;
    this.options = options;
    this.stream = readsStream(options);
  }

  /** A name for what is made of the content, the way to read it and `more`. */
  async key(kind: string, more: unknown): Promise<string> {
    this.content ??= this.hashContent();
    const all = JSON.stringify([1, await this.content, readingOf(this.options), more]);
    return `${kind}-${(await hexDigest(new TextEncoder().encode(all))).slice(0, 32)}`;
  }

  async *documents(what: string): AsyncGenerator<string[]> {
    const { sources, progress } = this.parts;
    const size = sources.reduce((sum, source) => sum + source.size, 0);
    let done = 0;
    const tell = (bytes: number) => {
      done += bytes;
      progress?.(Math.min(1, done / size), what);
    };
    const reading = readingOf(this.options);
    for (const source of sources) yield* streamDocuments(watched(source, tell), reading);
  }

  survey(): Promise<Survey> {
    const count = async () => {
      const survey = { documents: 0, characters: 0 };
      for await (const some of this.documents('Counting documents')) {
        survey.documents += some.length;
        for (const text of some) survey.characters += text.length;
      }
      if (survey.documents > 0) return survey;
      throw new ClozeError('input', `There is no text in ${this.parts.name}`, 'Give a file with some.');
    };
    this.surveyed ??= count();
    return this.surveyed;
  }

  async tokens(
    tokenizer: Tokenizer,
    split?: { fraction: number; cut: () => Promise<(text: string) => number> },
  ): Promise<ShardedTokens> {
    const { store } = this.parts;
    const key = await this.key('tokens', [tokenizer.toJSON(), split?.fraction ?? null]);
    const found = await openShards(store, key);
    if (found) return found;
    await writeShards(store, key, this.documents('Tokenising'), tokenizer, { cut: await split?.cut() });
    const written = await openShards(store, key);
    if (written) return written;
    throw new ClozeError('io', `The tokens of ${this.parts.name} were written and cannot be read again`);
  }

  private async hashContent(): Promise<string> {
    const { sources, progress } = this.parts;
    const size = sources.reduce((sum, source) => sum + source.size, 0);
    let done = 0;
    const digests: string[] = [];
    for (const source of sources) {
      const tell = (bytes: number) => {
        done += bytes;
        progress?.(done / size, 'Reading');
      };
      // The end of a name tells the format, and so what the content says.
      digests.push(/[^./]*(\.gz)?$/.exec(source.name.toLowerCase())?.[0] ?? '');
      digests.push(await digestOf(watched(source, tell)));
    }
    return digests.join(' ');
  }
}

function readingOf(options: SessionOptions): DocumentOptions {
  return { documents: readsStream(options) ? 'stream' : options.documents, textField: options.textField };
}

/** A source that tells how many bytes were taken from its stream. */
function watched(source: Source, tell: (bytes: number) => void): Source {
  return {
    ...source,
    async *stream() {
      for await (const chunk of source.stream()) {
        tell(chunk.length);
        yield chunk;
      }
    },
  };
}

/** Bytes of the blocks that are hashed one by one; the digest of a source is that of their digests. */
const hashedBlock = 1 << 22;

async function digestOf(source: Source): Promise<string> {
  const digests: string[] = [];
  const block = new Uint8Array(hashedBlock);
  let used = 0;
  for await (const chunk of source.stream()) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + hashedBlock - used);
      block.set(part, used);
      used += part.length;
      at += part.length;
      if (used < hashedBlock) continue;
      digests.push(await hexDigest(block));
      used = 0;
    }
  }
  digests.push(await hexDigest(block.subarray(0, used)));
  return hexDigest(new TextEncoder().encode(digests.join(' ')));
}

async function hexDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The tokenizer of the training part, as `buildSession` learns it; one that was learnt before is read again. */
async function learned(corpus: StreamedCorpus, options: SessionOptions): Promise<Tokenizer> {
  const { tokenizer, vocabSize, validation, seed } = options;
  const { store } = corpus.parts;
  const kind = trainedKinds.find((name) => name === tokenizer) ?? 'wordpiece';
  const key = await corpus.key('tokenizer', [kind, vocabSize, validation, seed]);
  const file = 'tokenizer.json';
  const known = await (await store.open(key))?.read(file);
  if (known) return parseTokenizer(JSON.parse(new TextDecoder().decode(known)), file);
  const learnt = await trainTokenizer({ kind, corpus: await trainingPart(corpus, options, kind), vocabSize });
  const writer = await store.create(key);
  await writer.append(file, new TextEncoder().encode(JSON.stringify(learnt)));
  await writer.commit();
  return learnt;
}

/** A character that only the validation part has is known all the same. */
async function trainingPart(
  corpus: StreamedCorpus,
  { validation, seed }: SessionOptions,
  kind: string,
): Promise<AsyncIterable<string[]>> {
  const what = 'Learning the vocabulary';
  if (kind === 'char' || kind === 'bytes') return corpus.documents(what);
  const { documents, characters } = await corpus.survey();
  const cut = corpus.stream ? characterCut(characters, validation) : undefined;
  const chosen = cut ? undefined : drawValidation(documents, validation, seed);
  return (async function* () {
    let document = 0;
    for await (const some of corpus.documents(what)) {
      yield cut
        ? some.map((text) => text.slice(0, cut(text)))
        : some.filter(() => chosen?.[document++] === 0);
    }
  })();
}
