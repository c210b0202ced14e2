/** Batches of fixed shape, made on the CPU and uploaded as they are. */
import { ClozeError } from '../gpu/errors.ts';
import { Random } from '../kernels/random.ts';
import { type Dataset, rowOf } from './dataset.ts';
import { checkMasking, type MaskingOptions, maskRow, maxMasked } from './masking.ts';
import { streams } from './streams.ts';

/** The label of a place that asks for no prediction, as in PyTorch's cross-entropy. */
export const ignoreIndex = -100;

export interface Batch {
  B: number;
  T: number;
  /** Places for predictions in each row. */
  M: number;
  /** [B * T] */
  inputIds: Uint32Array<ArrayBuffer>;
  /** [B * T] 1 for a token, 0 for padding. */
  attentionMask: Uint32Array<ArrayBuffer>;
  /** [B * M] flat positions b * T + t; unused places point at the first token of their row. */
  maskedPositions: Uint32Array<ArrayBuffer>;
  /** [B * M] the true ids, {@link ignoreIndex} in unused places. */
  labels: Int32Array<ArrayBuffer>;
  /** Predictions asked for: the labels that are not {@link ignoreIndex}. */
  count: number;
  /** [B] the dataset's row behind each row of the batch, -1 for an empty one. */
  rows: Int32Array<ArrayBuffer>;
}

export interface BatchOptions {
  batchSize: number;
  masking: MaskingOptions;
  seed: number;
  /** Default 0. */
  epoch?: number;
  /** How many rows of this epoch are already done: where a resumed run goes on. Default 0. */
  startIndex?: number;
  /** Go through the rows in a random order of (seed, epoch). Default false: in the order of the dataset. */
  shuffle?: boolean;
  /**
   * What becomes of the rows at the end that do not fill a batch. `pad` (the default, for evaluation): the batch is
   * filled up with empty rows. `drop` (for training): they are left out of this epoch; being shuffled, they
   * are others in the next. A dataset smaller than one batch is padded all the same.
   */
  last?: 'pad' | 'drop';
}

/** The order in which an epoch visits `size` rows: a permutation, a pure function of (seed, epoch). */
export function epochOrder(size: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  return new Random(seed, streams.order + epoch).shuffle(order);
}

/** How many batches an epoch has. */
export function batchCount(size: number, batchSize: number, last: 'pad' | 'drop' = 'pad'): number {
  return last === 'drop' ? Math.max(1, Math.floor(size / batchSize)) : Math.ceil(size / batchSize);
}

/**
 * The batches of one epoch, from `startIndex` on. Same dataset, same options: same batches.
 * Throws ClozeError `option` for options that make no batch.
 */
export function* batches(dataset: Dataset, options: BatchOptions): Generator<Batch> {
  const { batchSize, seed, masking, epoch = 0, startIndex = 0, shuffle = false, last = 'pad' } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ClozeError('option', `The batch size is ${batchSize}`, 'Use a whole number from 1 on.');
  }
  checkMasking(masking, dataset.vocabulary);
  const order = shuffle ? epochOrder(dataset.size, seed, epoch) : undefined;
  const end = batchCount(dataset.size, batchSize, last) * batchSize;
  for (let start = startIndex; start < end; start += batchSize) {
    const rows = new Int32Array(batchSize).fill(-1);
    for (let b = 0; b < batchSize && start + b < dataset.size; b++) {
      rows[b] = order ? order[start + b] : start + b;
    }
    yield makeBatch(dataset, rows, { masking, seed, epoch });
  }
}

/** One batch of the given rows of a dataset, -1 for an empty one, masked under (seed, epoch). */
export function makeBatch(
  dataset: Dataset,
  rows: Int32Array<ArrayBuffer>,
  { masking, seed, epoch }: { masking: MaskingOptions; seed: number; epoch: number },
): Batch {
  const { T, vocabulary } = dataset;
  const B = rows.length;
  const M = maxMasked(T, masking);
  const batch: Batch = {
    B,
    T,
    M,
    inputIds: new Uint32Array(B * T).fill(Math.max(vocabulary.special.pad, 0)),
    attentionMask: new Uint32Array(B * T),
    maskedPositions: Uint32Array.from({ length: B * M }, (_, place) => Math.floor(place / M) * T),
    labels: new Int32Array(B * M).fill(ignoreIndex),
    count: 0,
    rows,
  };
  rows.forEach((index, b) => {
    if (index < 0) return;
    const masked = maskRow(rowOf(dataset, index), T, vocabulary, masking, { seed, epoch, index });
    batch.inputIds.set(masked.inputIds, b * T);
    batch.attentionMask.fill(1, b * T, b * T + masked.inputIds.length);
    batch.maskedPositions.set(
      masked.positions.map((position) => b * T + position),
      b * M,
    );
    batch.labels.set(masked.labels, b * M);
    batch.count += masked.positions.length;
  });
  return batch;
}

/** A row of a batch with the truth back in its masked places. */
export interface RestoredRow {
  /** The true ids, padding left out. */
  ids: Uint32Array;
  /** What the model saw at the same positions. */
  seen: Uint32Array;
  /** Positions to predict within the row, ascending. */
  positions: number[];
}

/** The rows of a batch, empty ones left out, as they were before masking: for floors and baselines. */
export function* restoredRows({ B, T, M, ...batch }: Batch): Generator<RestoredRow> {
  for (let b = 0; b < B; b++) {
    const length = batch.attentionMask.subarray(b * T, (b + 1) * T).reduce((sum, bit) => sum + bit, 0);
    if (length === 0) continue;
    const seen = batch.inputIds.slice(b * T, b * T + length);
    const ids = seen.slice();
    const positions: number[] = [];
    for (let place = b * M; place < (b + 1) * M; place++) {
      if (batch.labels[place] === ignoreIndex) continue;
      const position = batch.maskedPositions[place] - b * T;
      ids[position] = batch.labels[place];
      positions.push(position);
    }
    yield { ids, seen, positions };
  }
}
