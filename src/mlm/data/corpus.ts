/** A corpus is a list of documents; here texts are cut into documents, and documents into a train and a validation part. */
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import { wholeCharacters } from './documents.ts';
import { type DocumentOptions, type Source, streamDocuments } from './sources.ts';
import { stories } from './stories.ts';
import { streams } from './streams.ts';
import { type SyntheticLanguage, syntheticLanguage } from './synthetic.ts';

export { type DocumentKind, splitDocuments } from './documents.ts';

export interface Corpus {
  /** What a user would call it: the path, URL or name it came from. */
  name: string;
  documents: string[];
  /** For synthetic languages: what knows the exact floor. */
  language?: SyntheticLanguage;
}

export interface CorpusOptions extends DocumentOptions {
  /** Documents to draw from a built-in corpus. Default 20,000. */
  count?: number;
  /** Seed of a built-in corpus. Default 0. */
  seed?: number;
}

/** All documents of these sources. Throws ClozeError `input` when there are none. */
export async function collect(
  name: string,
  sources: readonly Source[],
  options: DocumentOptions,
): Promise<Corpus> {
  const documents: string[] = [];
  for (const source of sources) {
    for await (const some of streamDocuments(source, options)) for (const one of some) documents.push(one);
  }
  if (documents.length > 0) return { name, documents };
  throw new ClozeError(
    'input',
    `There is no text in ${name || 'an empty list of sources'}`,
    'Give a file with some.',
  );
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
  if (split.train.length === 0 || split.validation.length === 0) throw tooSmallToSplit(documents.length);
  return split;
}

export function tooSmallToSplit(documents: number): ClozeError {
  return new ClozeError(
    'input',
    `A corpus of ${documents} document(s) cannot be split into a train and a validation part`,
    'Give more text, tell documents apart by paragraph or line, or split it contiguously.',
  );
}

function drawDocuments(documents: readonly string[], fraction: number, seed: number): Split {
  const chosen = drawValidation(documents.length, fraction, seed);
  return {
    train: documents.filter((_, index) => chosen[index] === 0),
    validation: documents.filter((_, index) => chosen[index] === 1),
  };
}

/** 1 for each of `count` documents that is set aside for validation, 0 for the others; at least one of each where there are two. */
export function drawValidation(count: number, fraction: number, seed: number): Uint8Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  new Random(seed, streams.split).shuffle(order);
  const chosen = new Uint8Array(count);
  for (const index of order.subarray(0, Math.min(count - 1, Math.max(1, Math.round(fraction * count))))) {
    chosen[index] = 1;
  }
  return chosen;
}

function cutCharacters(documents: readonly string[], fraction: number): Split {
  const cut = characterCut(
    documents.reduce((sum, text) => sum + text.length, 0),
    fraction,
  );
  const split: Split = { train: [], validation: [] };
  for (const text of documents) {
    const end = cut(text);
    if (end > 0) split.train.push(text.slice(0, end));
    if (end < text.length) split.validation.push(text.slice(end));
  }
  return split;
}

/**
 * Tells of each document in turn, of `total` characters in all, how many of its characters are for training. The document that the
 * boundary falls into is cut in two.
 */
export function characterCut(total: number, fraction: number): (text: string) => number {
  let left = Math.floor(total * (1 - fraction));
  return (text) => {
    const end = wholeCharacters(text, Math.min(left, text.length));
    left -= Math.min(left, text.length);
    return end;
  };
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
