/** Cuts a batch into smaller ones whose losses and gradients add up to its own: for an adapter that has no memory for all of it. */
import type { Batch } from '../data/batch.ts';

/**
 * At most `parts` batches of as equal numbers of rows as can be; fewer where there are fewer rows. What sums over a step are
 * divided by stays with the first of them, since only the sums over all are used.
 */
export function splitBatch(batch: Batch, parts: number): Batch[] {
  const { B } = batch;
  const count = Math.min(parts, B);
  if (count <= 1) return [batch];
  return Array.from({ length: count }, (_, part) =>
    rowsOf(batch, Math.floor((part * B) / count), Math.floor(((part + 1) * B) / count)),
  );
}

/** The rows from `first` to before `end`. */
function rowsOf(batch: Batch, first: number, end: number): Batch {
  const { B, T, M } = batch;
  const tokens = <A extends { slice(from: number, to: number): A }>(all: A) => all.slice(first * T, end * T);
  const places = <A extends { slice(from: number, to: number): A }>(all: A) => all.slice(first * M, end * M);
  const totals = first > 0 && { count: 0, normalizer: 0, tokens: 0 };
  return {
    ...batch,
    ...totals,
    B: end - first,
    inputIds: tokens(batch.inputIds),
    attentionMask: tokens(batch.attentionMask),
    ...(batch.types && { types: tokens(batch.types) }),
    ...(batch.segments && { segments: tokens(batch.segments) }),
    ...(batch.positions && { positions: tokens(batch.positions) }),
    ...(batch.prefix && { prefix: batch.prefix.slice(first, end) }),
    maskedPositions: places(batch.maskedPositions).map((position) => position - first * T),
    labels: places(batch.labels),
    ...(batch.weights && { weights: places(batch.weights) }),
    // Where rows are packed, which of the dataset's lie in which of them is not known here.
    rows:
      batch.rows.length === B ? batch.rows.slice(first, end) : first === 0 ? batch.rows : new Int32Array(),
  };
}
