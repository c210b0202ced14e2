/** The tokens of a corpus, one document after the other, without special tokens: in memory here, in files in `shards.ts`. */
import { pcg4d } from '../../kernels/random.ts';
import type { DocumentTokenizer } from './dataset.ts';

export interface TokenList {
  /** [documents] tokens of each document. */
  readonly lengths: Uint32Array;
  /** [documents] {@link hashTokens} of each document. */
  readonly hashes: Float64Array;
  /** The tokens from place `start` to before `end`, places counted over all documents. Not to be written to. */
  read(start: number, end: number): Uint32Array;
}

/** Encodes documents into memory. */
export function encodeDocuments(documents: Iterable<string>, tokenizer: DocumentTokenizer): TokenList {
  let ids = new Uint32Array(1 << 12);
  let size = 0;
  const lengths: number[] = [];
  const hashes: number[] = [];
  for (const text of documents) {
    const encoded = tokenizer.encodeToIds(text);
    if (size + encoded.length > ids.length) {
      const larger = new Uint32Array(Math.max(2 * ids.length, size + encoded.length));
      larger.set(ids);
      ids = larger;
    }
    ids.set(encoded, size);
    size += encoded.length;
    lengths.push(encoded.length);
    hashes.push(hashTokens(encoded));
  }
  return {
    lengths: Uint32Array.from(lengths),
    hashes: Float64Array.from(hashes),
    read: (start, end) => ids.subarray(start, end),
  };
}

const mixed = new Uint32Array(4);

/** 53 bits that equal documents share; among n different ones, two share them with a chance of about n² / 2^54. */
export function hashTokens(ids: ArrayLike<number>): number {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < ids.length; i++) {
    a = Math.imul(a ^ ids[i], 0x01000193);
    b = Math.imul(b ^ ids[i], 0x85ebca6b);
    b ^= b >>> 13;
  }
  pcg4d(a, b, ids.length, 0, mixed);
  return (mixed[0] >>> 11) * 2 ** 32 + mixed[1];
}

export interface Repeats {
  /** Documents whose tokens an earlier document has too. */
  duplicates: number;
  /** Validation documents whose tokens a training document has too. */
  overlap: number;
}

/** How often documents come again, by their hashes; documents without tokens are not looked at. */
export function countRepeats(
  { lengths, hashes }: TokenList,
  isValidation: (document: number) => boolean,
): Repeats {
  const sorted = (wanted: (document: number) => boolean) =>
    hashes.filter((_, document) => lengths[document] > 0 && wanted(document)).sort();
  const train = sorted((document) => !isValidation(document));
  const validation = sorted(isValidation);
  let overlap = 0;
  let overlapKinds = 0;
  for (let v = 0, t = 0; v < validation.length; v++) {
    while (t < train.length && train[t] < validation[v]) t++;
    if (train[t] !== validation[v]) continue;
    overlap++;
    if (v === 0 || validation[v - 1] !== validation[v]) overlapKinds++;
  }
  return { duplicates: inner(train) + inner(validation) + overlapKinds, overlap };
}

/** How many of these sorted values equal the one before. */
function inner(sorted: Float64Array): number {
  let count = 0;
  for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) count++;
  return count;
}
