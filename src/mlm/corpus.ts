/** A corpus is a list of documents; here texts are cut into documents, and documents into a train and a validation part. */
import { ClozeError } from '../gpu/errors.ts';
import { Random } from '../kernels/random.ts';
import { stories } from './stories.ts';
import { streams } from './streams.ts';
import { type SyntheticLanguage, syntheticLanguage } from './synthetic.ts';

/** What one document is: a block between blank lines, a line, or a whole file. */
export type DocumentKind = 'paragraph' | 'line' | 'file';

export interface Corpus {
  /** What a user would call it: the path, URL or name it came from. */
  name: string;
  documents: string[];
  /** For synthetic languages: what knows the exact floor. */
  language?: SyntheticLanguage;
}

export interface CorpusOptions {
  /** Default `paragraph`. */
  documents?: DocumentKind;
  /** Documents to draw from a built-in corpus. Default 20,000. */
  count?: number;
  /** Seed of a built-in corpus. Default 0. */
  seed?: number;
}

export interface Split {
  train: string[];
  validation: string[];
}

export interface SplitOptions {
  /** The share of the validation part. Default 0.1. */
  fraction?: number;
  /**
   * `document` (the default): whole documents, drawn at random. `contiguous`: the first 1 − fraction of the
   * characters are for training and the rest for validation, as is the custom for a corpus that is one long text.
   */
  by?: 'document' | 'contiguous';
  /** Of the random choice. Default 0. */
  seed?: number;
}

/**
 * Cuts a text into documents, without white space around a line or a paragraph and without empty ones. Line ends of
 * every kind become "\n"; a text that is one document is otherwise left as it is.
 */
export function splitDocuments(text: string, kind: DocumentKind): string[] {
  const plain = text.replace(/\r\n?/g, '\n');
  if (kind === 'file') return plain === '' ? [] : [plain];
  const parts = plain.split(kind === 'line' ? '\n' : /\n(?:[^\S\n]*\n)+/);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/**
 * Sets a part of a corpus aside for validation. A pure function of its arguments; both parts keep the order of the
 * documents.
 * Throws ClozeError `option` for a fraction outside (0, 1), `input` when a part would be empty.
 */
export function splitCorpus(
  documents: readonly string[],
  { fraction = 0.1, by = 'document', seed = 0 }: SplitOptions = {},
): Split {
  if (!(fraction > 0 && fraction < 1)) {
    throw new ClozeError('option', `The validation share is ${fraction}`, 'Use a number between 0 and 1.');
  }
  const split =
    by === 'contiguous' ? cutCharacters(documents, fraction) : drawDocuments(documents, fraction, seed);
  if (split.train.length === 0 || split.validation.length === 0) {
    throw new ClozeError(
      'input',
      `A corpus of ${documents.length} document(s) cannot be split into a train and a validation part`,
      'Give more text, tell documents apart by paragraph or line, or split it contiguously.',
    );
  }
  return split;
}

function drawDocuments(documents: readonly string[], fraction: number, seed: number): Split {
  const order = documents.map((_, index) => index);
  new Random(seed, streams.split).shuffle(order);
  const count = Math.min(documents.length - 1, Math.max(1, Math.round(fraction * documents.length)));
  const chosen = new Set(order.slice(0, count));
  return {
    train: documents.filter((_, index) => !chosen.has(index)),
    validation: documents.filter((_, index) => chosen.has(index)),
  };
}

/** The document that the boundary falls into is cut in two. */
function cutCharacters(documents: readonly string[], fraction: number): Split {
  const total = documents.reduce((sum, text) => sum + text.length, 0);
  let left = Math.floor(total * (1 - fraction));
  const split: Split = { train: [], validation: [] };
  for (const text of documents) {
    const end = wholeCharacters(text, Math.min(left, text.length));
    if (end > 0) split.train.push(text.slice(0, end));
    if (end < text.length) split.validation.push(text.slice(end));
    left -= Math.min(left, text.length);
  }
  return split;
}

/** `end`, or one less where it would part a surrogate pair. */
function wholeCharacters(text: string, end: number): number {
  return /[\uD800-\uDBFF]/.test(text.charAt(end - 1)) && end < text.length ? end - 1 : end;
}

/**
 * The built-in corpus called `name`: `stories`, `stories:short`, `synthetic:clock` or `synthetic:copy`;
 * undefined for any other
 * name, which is then a path or a URL.
 * Throws ClozeError `input` for a synthetic language that does not exist.
 */
export function builtInCorpus(
  name: string,
  { count = 20_000, seed = 0 }: CorpusOptions = {},
): Corpus | undefined {
  if (name === 'stories') return { name, documents: stories({ count, seed }) };
  if (name === 'stories:short') return { name, documents: stories({ count, seed, kinds: 'short' }) };
  if (!name.startsWith('synthetic:')) return undefined;
  const language = syntheticLanguage(name.slice('synthetic:'.length));
  return { name, documents: language.documents({ count, seed }), language };
}

/**
 * Decodes the bytes of a text file; a byte order mark is dropped.
 * Throws ClozeError `input`, naming `source`, for bytes that are not UTF-8 text.
 */
export function decodeText(bytes: Uint8Array, source: string): string {
  if (bytes.includes(0)) {
    throw new ClozeError('input', `${source} is a binary file`, 'Give plain text in UTF-8.');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ClozeError('input', `${source} is not valid UTF-8`, 'Convert it to UTF-8 first.', { cause });
  }
}
