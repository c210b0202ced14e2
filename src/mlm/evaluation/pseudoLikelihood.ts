/**
 * Pseudo-log-likelihood (Salazar et al., "Masked Language Model Scoring", 2020): Σ ln p(token | all others) over the tokens of a
 * text, each hidden alone, special ones left out. It is no probability of the text, since every token is told the others; its
 * perplexity exp(−PLL / tokens), PPPL, compares models of one vocabulary.
 *
 * A row makes as many sequences as it has tokens, so they are made and scored a batch at a time, whatever its length.
 */
import { type Batch, batchOf } from '../data/batch.ts';
import { type Dataset, rowOf } from '../data/dataset.ts';
import type { Corruption, Example } from '../objectives/objective.ts';

/** Batches in which each ordinary token of the rows is hidden once, alone. Their mean loss is −PLL / tokens. */
export function* pseudoLikelihoodBatches(
  dataset: Dataset,
  rows: Iterable<number>,
  { attention, shift }: Pick<Corruption, 'attention' | 'shift'>,
  batchSize: number,
): Generator<Batch> {
  const { T, vocabulary } = dataset;
  const shape = { T, M: 1, attention, shift, weighted: false } as const;
  const examples: Example[] = [];
  const indices: number[] = [];
  const flush = (): Batch => {
    const padded = Array.from({ length: batchSize }, (_, b) => examples[b]);
    const behind = Int32Array.from({ length: batchSize }, (_, b) => indices[b] ?? -1);
    examples.length = 0;
    indices.length = 0;
    return batchOf(padded, behind, shape, vocabulary);
  };
  for (const index of rows) {
    const ids = rowOf(dataset, index);
    for (let at = shift; at < ids.length; at++) {
      if (vocabulary.specialIds.has(ids[at])) continue;
      const inputIds = ids.slice();
      inputIds[at] = vocabulary.special.mask;
      examples.push({ inputIds, positions: [at - shift], labels: [ids[at]] });
      indices.push(index);
      if (examples.length === batchSize) yield flush();
    }
  }
  if (examples.length > 0) yield flush();
}

/** Bytes of UTF-8 that the rows' text takes, special tokens left out. */
export function textBytes(
  dataset: Dataset,
  rows: Iterable<number>,
  tokenizer: { decode(ids: ArrayLike<number>, options: { skipSpecialTokens: boolean }): string },
): number {
  const encoder = new TextEncoder();
  let bytes = 0;
  for (const index of rows) {
    bytes += encoder.encode(tokenizer.decode(rowOf(dataset, index), { skipSpecialTokens: true })).length;
  }
  return bytes;
}
