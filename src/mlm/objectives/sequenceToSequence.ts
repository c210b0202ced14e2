/**
 * Sequence to sequence on one stack (Dong et al., "UniLM", 2019; the prefix language model of Raffel et al., "T5", 2020): source
 * and target stand in one row, [CLS] source [SEP] target [SEP]. Every token sees the whole source, and a token of the target
 * those of the target before it. The last [SEP] is predicted and not read.
 */
import type { TokenVocabulary } from '../data/dataset.ts';
import type { Example } from './objective.ts';

export interface SourceAndTarget {
  source: ArrayLike<number>;
  target: ArrayLike<number>;
}

/** Tokens of the row for a source and a target of so many tokens. */
export const pairLength = (source: number, target: number): number => source + target + 2;

/** The row of a pair; the model predicts the target and its end, and nothing of the source. */
export function pairExample({ source, target }: SourceAndTarget, { special }: TokenVocabulary): Example {
  const prefix = source.length + 2;
  const inputIds = Uint32Array.from([special.cls, ...Array.from(source), special.sep, ...Array.from(target)]);
  const labels = [...Array.from(target), special.sep];
  return { inputIds, positions: labels.map((_, i) => prefix - 1 + i), labels, prefix };
}

/** The text of a row: its ids without the special tokens at either end. */
export function textOf(ids: Uint32Array, { special }: TokenVocabulary): Uint32Array {
  const start = ids[0] === special.cls ? 1 : 0;
  const end = ids[ids.length - 1] === special.sep ? ids.length - 1 : ids.length;
  return ids.subarray(start, Math.max(start, end));
}
