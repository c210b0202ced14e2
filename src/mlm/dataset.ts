/** Token ids cut into rows of one length: what an epoch goes through. */
import { ClozeError } from '../gpu/errors.ts';

/** What this file and the masks need to know of a tokenizer. */
export interface TokenVocabulary {
  readonly vocabSize: number;
  /** Ids, -1 where the tokenizer has none. */
  readonly special: {
    readonly pad: number;
    readonly cls: number;
    readonly sep: number;
    readonly mask: number;
  };
  readonly specialIds: ReadonlySet<number>;
  /** Whether a token begins a word: needed to mask whole words. */
  isWordStart?(id: number): boolean;
  /** How a token is written: needed to tell where sentences end. */
  idToToken?(id: number): string;
}

/** What turns a document into ids, without special tokens added. */
export interface DocumentTokenizer extends TokenVocabulary {
  encodeToIds(text: string): ArrayLike<number>;
}

/** `size` rows of `T` ids, one after the other, each filled up with [PAD] behind its length. */
export interface Dataset {
  T: number;
  size: number;
  /** [size * T] */
  ids: Uint32Array;
  /** [size] tokens in each row, special ones included. */
  lengths: Uint32Array;
  vocabulary: TokenVocabulary;
  /** Tokens of the documents, special ones that the rows add not included. */
  tokens: number;
}

export interface DatasetOptions {
  /** Row length T, special tokens included. */
  seqLen: number;
  /** Begin rows with [CLS] and end them with [SEP]. Default true. */
  specialTokens?: boolean;
  /**
   * `document` (the default): a row holds one document, or a part of one that is too long; no row mixes two.
   * `contiguous`: the documents are joined end to end and cut into full rows, only the last may be shorter.
   */
  rows?: 'document' | 'contiguous';
}

/** The tokens of row `index`, padding left out: a view. */
export function rowOf(dataset: Dataset, index: number): Uint32Array {
  return dataset.ids.subarray(index * dataset.T, index * dataset.T + dataset.lengths[index]);
}

/**
 * Encodes documents and cuts them into rows. No token is lost, none comes twice; documents without tokens
 * leave no row.
 * Throws ClozeError `input` when no token is left, `option` when a row has no room for one.
 */
export function buildDataset(
  documents: Iterable<string>,
  tokenizer: DocumentTokenizer,
  { seqLen, specialTokens = true, rows = 'document' }: DatasetOptions,
): Dataset {
  const { pad, cls, sep } = tokenizer.special;
  const room = specialTokens ? seqLen - 2 : seqLen;
  if (!Number.isInteger(seqLen) || room < 1) {
    const least = specialTokens ? 3 : 1;
    throw new ClozeError(
      'option',
      `Rows of ${seqLen} tokens hold no text`,
      `Use a length of ${least} or more.`,
    );
  }
  const encoded = Array.from(documents, (text) => tokenizer.encodeToIds(text));
  const pieces = [...cut(rows === 'contiguous' ? [join(encoded)] : encoded, room)];
  if (pieces.length === 0) {
    throw new ClozeError('input', 'The corpus has no tokens', 'Give a text that is not empty.');
  }

  const lengths = new Uint32Array(pieces.length);
  const ids = new Uint32Array(pieces.length * seqLen).fill(Math.max(pad, 0));
  let tokens = 0;
  pieces.forEach((piece, index) => {
    const row = specialTokens ? [cls, ...piece, sep] : piece;
    ids.set(row, index * seqLen);
    lengths[index] = row.length;
    tokens += piece.length;
  });
  return { T: seqLen, size: pieces.length, ids, lengths, vocabulary: tokenizer, tokens };
}

function join(documents: readonly ArrayLike<number>[]): Uint32Array {
  const all = new Uint32Array(documents.reduce((sum, document) => sum + document.length, 0));
  let at = 0;
  for (const document of documents) {
    all.set(document, at);
    at += document.length;
  }
  return all;
}

function* cut(documents: readonly ArrayLike<number>[], room: number): Generator<Uint32Array> {
  for (const document of documents) {
    const ids = Uint32Array.from(document);
    for (let start = 0; start < ids.length; start += room) yield ids.subarray(start, start + room);
  }
}
