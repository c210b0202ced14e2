/** Token ids cut into rows of one length: what an epoch goes through. */
import { ClozeError } from '../../gpu/errors.ts';
import { encodeDocuments, type TokenList } from './tokens.ts';

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

/** `size` rows of at most `T` ids. Where they lie, in memory or in files, is its own business. */
export interface Dataset {
  T: number;
  size: number;
  /** [size] tokens in each row, special ones included. */
  lengths: Uint32Array;
  /** The tokens of a row, special ones included, padding left out. Not to be written to. */
  row(index: number): Uint32Array;
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

/** The tokens of row `index`, padding left out. */
export function rowOf(dataset: Dataset, index: number): Uint32Array {
  return dataset.row(index);
}

/** Encodes documents into memory and cuts them into rows. Throws what {@link cutRows} throws. */
export function buildDataset(
  documents: Iterable<string>,
  tokenizer: DocumentTokenizer,
  options: DatasetOptions,
): Dataset {
  return cutRows(encodeDocuments(documents, tokenizer), () => true, tokenizer, options);
}

/**
 * The rows of those documents that `belongs` picks. No token is lost, none comes twice; documents without tokens leave no row. The
 * tokens stay where they are: a row takes 12 bytes here.
 * Throws ClozeError `input` when no token is left, `option` when a row has no room for one or the vocabulary no tokens for its ends.
 */
export function cutRows(
  tokens: TokenList,
  belongs: (document: number) => boolean,
  vocabulary: TokenVocabulary,
  { seqLen, specialTokens = true, rows = 'document' }: DatasetOptions,
): Dataset {
  const { cls, sep } = vocabulary.special;
  const added = specialTokens ? 2 : 0;
  const room = seqLen - added;
  if (!Number.isInteger(seqLen) || room < 1) {
    throw new ClozeError(
      'option',
      `Rows of ${seqLen} tokens hold no text`,
      `Use a length of ${added + 1} or more.`,
    );
  }
  if (specialTokens && (cls < 0 || sep < 0)) {
    throw new ClozeError(
      'option',
      'The tokenizer has no tokens that rows could begin and end with, such as [CLS] and [SEP]',
      'Use another tokenizer, or add <s> and </s> to its special tokens.',
    );
  }
  const spans = () => spansOf(tokens.lengths, belongs, rows === 'contiguous');
  let size = 0;
  let count = 0;
  for (const [start, end] of spans()) {
    size += Math.ceil((end - start) / room);
    count += end - start;
  }
  if (size === 0) throw new ClozeError('input', 'The corpus has no tokens', 'Give a text that is not empty.');

  const starts = new Float64Array(size);
  const lengths = new Uint32Array(size);
  let index = 0;
  for (const [from, end] of spans()) {
    for (let start = from; start < end; start += room) {
      starts[index] = start;
      lengths[index++] = Math.min(room, end - start) + added;
    }
  }
  return {
    T: seqLen,
    size,
    lengths,
    row(index) {
      const piece = tokens.read(starts[index], starts[index] + lengths[index] - added);
      if (!specialTokens) return piece;
      const row = new Uint32Array(lengths[index]);
      row[0] = cls;
      row.set(piece, 1);
      row[row.length - 1] = sep;
      return row;
    },
    vocabulary,
    tokens: count,
  };
}

/** Where the tokens of the documents that belong begin and end; `joined`, neighbours are one span. */
function* spansOf(
  lengths: Uint32Array,
  belongs: (document: number) => boolean,
  joined: boolean,
): Generator<[start: number, end: number]> {
  let start = 0;
  let at = 0;
  for (let document = 0; document < lengths.length; document++) {
    const inside = belongs(document);
    if (!inside || !joined) {
      if (at > start) yield [start, at];
      start = at;
    }
    at += lengths[document];
    if (!inside) start = at;
  }
  if (at > start) yield [start, at];
}

/** Rows spread evenly over a dataset that has more than `most` tokens, about so many; another as it is. */
export function thinned(dataset: Dataset, most: number): Dataset {
  if (dataset.tokens <= most) return dataset;
  const size = Math.max(1, Math.floor((dataset.size * most) / dataset.tokens));
  const place = (index: number) => Math.floor((index * dataset.size) / size);
  const lengths = Uint32Array.from({ length: size }, (_, index) => dataset.lengths[place(index)]);
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return { ...dataset, size, lengths, tokens, row: (index) => dataset.row(place(index)) };
}
