/** Batches of fixed shape, made on the CPU and uploaded as they are. */
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import type { AttentionKind, Corruption, Example, RowKey } from '../objectives/objective.ts';
import { type Dataset, rowOf, type TokenVocabulary } from './dataset.ts';
import { streams } from './streams.ts';

/** The label of a place that asks for no prediction, as in PyTorch's cross-entropy. */
export const ignoreIndex = -100;

export interface Batch {
  B: number;
  /** Tokens in each row. */
  T: number;
  /** Places for predictions in each row. */
  M: number;
  /** [B * T] */
  inputIds: Uint32Array<ArrayBuffer>;
  /** [B * T] 1 for a token, 0 for padding. */
  attentionMask: Uint32Array<ArrayBuffer>;
  attention: AttentionKind;
  /** [B * T] where rows are of two texts: 0 for a token of the first, 1 for one of the second. */
  types?: Uint32Array<ArrayBuffer>;
  /** [B * T] where rows hold several documents: the number of a token's document in its row, -1 for padding. */
  segments?: Int32Array<ArrayBuffer>;
  /** [B * T] where rows hold several documents: a token's place in its document. */
  positions?: Uint32Array<ArrayBuffer>;
  /** [B] where the attention is `prefix`: the tokens that every token of the row sees. */
  prefix?: Uint32Array<ArrayBuffer>;
  /** [B * M] flat positions b * T + t; unused places point at the first token of their row. */
  maskedPositions: Uint32Array<ArrayBuffer>;
  /** A place at t predicts the token at t + shift. */
  shift: 0 | 1;
  /** [B * M] the true ids, {@link ignoreIndex} in unused places. */
  labels: Int32Array<ArrayBuffer>;
  /** [B * M] the factor of each loss, where they differ. */
  weights?: Float32Array<ArrayBuffer>;
  /** Predictions asked for: the labels that are not {@link ignoreIndex}. */
  count: number;
  /** What the sum of the weighted losses is divided by: `count`, unless the objective says otherwise. */
  normalizer: number;
  /** Tokens that are no padding. */
  tokens: number;
  /** The dataset's rows in the batch: one behind each of its rows, -1 for an empty one, or several where they are packed. */
  rows: Int32Array<ArrayBuffer>;
}

export interface BatchOptions {
  batchSize: number;
  corruption: Corruption;
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
  const { batchSize, seed, corruption, epoch = 0, startIndex = 0, shuffle = false, last = 'pad' } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ClozeError('option', `The batch size is ${batchSize}`, 'Use a whole number from 1 on.');
  }
  const order = shuffle ? epochOrder(dataset.size, seed, epoch) : undefined;
  const end = batchCount(dataset.size, batchSize, last) * batchSize;
  for (let start = startIndex; start < end; start += batchSize) {
    const rows = new Int32Array(batchSize).fill(-1);
    for (let b = 0; b < batchSize && start + b < dataset.size; b++) {
      rows[b] = order ? order[start + b] : start + b;
    }
    yield makeBatch(dataset, rows, corruption, { seed, epoch });
  }
}

/** What a batch is a function of besides its rows and their corruption; `quantiles` holds one number for each row. */
export interface BatchKey extends Partial<Pick<RowKey, 'progress'>> {
  seed: number;
  epoch: number;
  /** Default: evenly spread over the batch. */
  quantiles?: ArrayLike<number>;
  /** How long the rows are taken to be; none of the batch's may be longer. Default: the dataset's length. */
  T?: number;
}

/** One batch of the given rows of a dataset, -1 for an empty one, corrupted under the key. */
export function makeBatch(
  dataset: Dataset,
  rows: Int32Array<ArrayBuffer>,
  corruption: Corruption,
  key: BatchKey,
): Batch {
  const { T = dataset.T } = key;
  const examples = Array.from(rows, (index, b) => {
    if (index < 0) return undefined;
    return corruption.apply(rowOf(dataset, index), T, { ...rowKey(key, b, rows.length), index });
  });
  const { rowLength, places, ...kind } = corruption;
  return batchOf(examples, rows, { T: rowLength(T), M: places(T), ...kind }, dataset.vocabulary);
}

/**
 * One batch whose rows hold several rows of a dataset each, one behind the other. Each of them is corrupted as it would be
 * in a row of its own, sees itself alone, and has its own positions. `M`: places for predictions in a row of the batch.
 */
export function makePackedBatch(
  dataset: Dataset,
  packs: readonly Uint32Array[],
  M: number,
  corruption: Corruption,
  key: BatchKey,
): Batch {
  const { T } = dataset;
  const B = packs.length;
  const rows = Int32Array.from(packs.flatMap((pack) => [...pack]));
  const segments = new Int32Array(B * T).fill(-1);
  const positions = new Uint32Array(B * T);
  const empty = emptyBatch(B, rows, { ...corruption, T, M }, dataset.vocabulary);
  const batch: Batch = { ...empty, segments, positions };
  packs.forEach((pack, b) => {
    const { quantile, ...rest } = rowKey(key, b, B);
    let start = 0;
    let place = 0;
    pack.forEach((index, segment) => {
      const ids = rowOf(dataset, index);
      const own = (quantile + segment * goldenSection) % 1;
      const example = corruption.apply(ids, roomOf(ids.length, T), { ...rest, quantile: own, index });
      enter(batch, { b, start, place }, example);
      segments.fill(segment, b * T + start, b * T + start + ids.length);
      for (let at = 0; at < ids.length; at++) positions[b * T + start + at] = at;
      start += ids.length;
      place += example.positions.length;
    });
  });
  return batch;
}

/** Multiples of it, modulo 1, are spread evenly, however many there are. */
const goldenSection = (Math.sqrt(5) - 1) / 2;

/**
 * The shortest row in which a document of `length` tokens is corrupted as in one of T: one place longer than it, so that it is seen to
 * end there, unless it fills all of T, where it may have been cut.
 */
export const roomOf = (length: number, T: number) => Math.min(T, length + 1);

function rowKey(
  { seed, epoch, quantiles, progress = 1 }: BatchKey,
  b: number,
  B: number,
): Omit<RowKey, 'index'> {
  return { seed, epoch, progress, quantile: quantiles?.[b] ?? (b + 0.5) / B };
}

/** What examples of one batch have in common. */
export interface BatchShape
  extends Pick<Batch, 'T' | 'M'>,
    Pick<Corruption, 'attention' | 'shift' | 'weighted'> {
  /** Whether rows are of two texts. */
  paired?: boolean;
}

/** A batch of these examples; undefined ones are empty rows. `rows` are the dataset's rows behind them. */
export function batchOf(
  examples: readonly (Example | undefined)[],
  rows: Int32Array<ArrayBuffer>,
  shape: BatchShape,
  vocabulary: TokenVocabulary,
): Batch {
  const batch = emptyBatch(examples.length, rows, shape, vocabulary);
  examples.forEach((example, b) => {
    if (example) enter(batch, { b, start: 0, place: 0 }, example);
  });
  return batch;
}

function emptyBatch(
  B: number,
  rows: Int32Array<ArrayBuffer>,
  { T, M, attention, shift, weighted, paired }: BatchShape,
  { special }: TokenVocabulary,
): Batch {
  return {
    B,
    T,
    M,
    inputIds: new Uint32Array(B * T).fill(Math.max(special.pad, 0)),
    attentionMask: new Uint32Array(B * T),
    attention,
    ...(paired && { types: new Uint32Array(B * T) }),
    ...(attention === 'prefix' && { prefix: new Uint32Array(B) }),
    maskedPositions: Uint32Array.from({ length: B * M }, (_, place) => Math.floor(place / M) * T),
    shift,
    labels: new Int32Array(B * M).fill(ignoreIndex),
    ...(weighted && { weights: new Float32Array(B * M) }),
    count: 0,
    normalizer: 0,
    tokens: 0,
    rows,
  };
}

/** Writes an example into row `b` of a batch, from token `start` and place `place` of the row on. */
function enter(
  batch: Batch,
  { b, start, place }: { b: number; start: number; place: number },
  example: Example,
): void {
  const { T, M } = batch;
  const { inputIds, typeIds, positions, labels, weights, prefix = 0 } = example;
  const firstToken = b * T + start;
  const firstPlace = b * M + place;
  batch.inputIds.set(inputIds, firstToken);
  batch.attentionMask.fill(1, firstToken, firstToken + inputIds.length);
  if (typeIds) batch.types?.set(typeIds, firstToken);
  if (batch.prefix) batch.prefix[b] = prefix;
  for (let i = 0; i < positions.length; i++) {
    batch.maskedPositions[firstPlace + i] = firstToken + positions[i];
    batch.labels[firstPlace + i] = labels[i];
  }
  if (weights) batch.weights?.set(weights, firstPlace);
  batch.count += positions.length;
  batch.tokens += inputIds.length;
  batch.normalizer += example.normalizer ?? (weights ? sum(weights) : positions.length);
}

const sum = (values: ArrayLike<number>) => Array.prototype.reduce.call(values, (a, b) => a + b, 0) as number;

/** A row of a batch with the truth back in its masked places. */
export interface RestoredRow {
  /** The true ids, padding left out. */
  ids: Uint32Array;
  /** What the model saw at the same positions. */
  seen: Uint32Array;
  /** Positions to predict within the row, ascending. */
  positions: number[];
  /** The factor of each one's loss. */
  weights: number[];
}

/** The rows of a batch, empty ones left out, as they were before masking: for floors and baselines. */
export function* restoredRows({ B, T, M, shift, ...batch }: Batch): Generator<RestoredRow> {
  for (let b = 0; b < B; b++) {
    const length = batch.attentionMask.subarray(b * T, (b + 1) * T).reduce((sum, bit) => sum + bit, 0);
    if (length === 0) continue;
    const seen = batch.inputIds.slice(b * T, b * T + length);
    const ids = seen.slice();
    const positions: number[] = [];
    const weights: number[] = [];
    for (let place = b * M; place < (b + 1) * M; place++) {
      if (batch.labels[place] === ignoreIndex) continue;
      const position = batch.maskedPositions[place] - b * T + shift;
      ids[position] = batch.labels[place];
      positions.push(position);
      weights.push(batch.weights?.[place] ?? 1);
    }
    yield { ids, seen, positions, weights };
  }
}
