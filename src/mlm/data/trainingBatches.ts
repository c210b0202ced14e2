/** The batches that a run trains on. */
import { ClozeError } from '../../gpu/index.ts';
import { formatBytes } from '../../gpu/pool.ts';
import { Random } from '../../kernels/random.ts';
import type { Corruption } from '../objectives/objective.ts';
import type { TrainOptions } from '../training/options.ts';
import { type Batch, type BatchKey, batchCount, epochOrder, makeBatch, makePackedBatch } from './batch.ts';
import type { Dataset } from './dataset.ts';
import { bucketOf, groupByLength, isPackable, type Packing, packRows } from './packing.ts';
import { streams } from './streams.ts';

export type TrainingBatchOptions = Pick<TrainOptions, 'batchSize' | 'accumulation' | 'batching' | 'seed'>;

/** Every step's batches are a function of the seed and the step's number alone, so a resumed run finds its place. */
export class TrainingBatches {
  readonly stepsPerEpoch: number;
  /** Where packing spares rows. */
  readonly packing: Packing | undefined;
  private readonly dataset: Dataset;
  private readonly options: TrainingBatchOptions;
  private readonly corruption: Corruption;
  /** The order of the epoch under way. */
  private order: { epoch: number; rows: Uint32Array } | undefined;

  /** Throws `option` when the batch cannot be cut into equal micro-batches. */
  constructor(dataset: Dataset, corruption: Corruption, options: TrainingBatchOptions) {
    const { batchSize, accumulation } = options;
    if (batchSize % accumulation !== 0) {
      throw new ClozeError(
        'option',
        `a batch of ${batchSize} cannot be cut into ${accumulation} micro-batches of one size`,
        'Make the batch size a multiple of the accumulation',
      );
    }
    this.dataset = dataset;
    this.corruption = corruption;
    this.options = options;
    if (options.batching === 'packed' && isPackable(corruption, dataset.T)) {
      const packing = packRows(dataset, corruption);
      if (packing.size < dataset.size) this.packing = packing;
    }
    this.stepsPerEpoch = batchCount(this.rows, batchSize, 'drop');
  }

  /** How many rows an epoch has. */
  get rows(): number {
    return this.packing?.size ?? this.dataset.size;
  }

  /**
   * The micro-batches of step number `step`, from 1, with `progress` of the run done. A dataset smaller than a batch is
   * filled up with empty rows.
   */
  of(step: number, progress: number): Batch[] {
    const { batchSize, accumulation, seed } = this.options;
    const epoch = Math.floor((step - 1) / this.stepsPerEpoch);
    const start = ((step - 1) % this.stepsPerEpoch) * batchSize;
    const order = this.orderOf(epoch);
    const size = batchSize / accumulation;
    const quantiles = stratified(batchSize, new Random(seed, streams.levels, step));
    return Array.from({ length: accumulation }, (_, micro) => {
      const rows = Int32Array.from({ length: size }, (_, b) => order[start + micro * size + b] ?? -1);
      const own = quantiles.slice(micro * size, (micro + 1) * size);
      return this.make(rows, { seed, epoch, quantiles: own, progress });
    });
  }

  private make(rows: Int32Array<ArrayBuffer>, key: BatchKey): Batch {
    const { dataset, corruption, packing } = this;
    if (this.options.batching === 'grouped') {
      return makeBatch(dataset, rows, corruption, { ...key, T: bucketOf(dataset, rows) });
    }
    if (!packing) return makeBatch(dataset, rows, corruption, key);
    const packs = Array.from(rows, (row) => (row < 0 ? new Uint32Array() : packing.pack(row)));
    return makePackedBatch(dataset, packs, packing.places, corruption, key);
  }

  private orderOf(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      const { batchSize, accumulation, batching, seed } = this.options;
      const shuffled = epochOrder(this.rows, seed, epoch);
      const size = batchSize / accumulation;
      const rows = batching === 'grouped' ? groupByLength(shuffled, this.dataset.lengths, size) : shuffled;
      this.order = { epoch, rows };
    }
    return this.order.rows;
  }
}

/** `count` numbers, one in each `count`-th part of [0, 1), all at the same place of their part, which is drawn. */
function stratified(count: number, random: Random): number[] {
  const offset = random.uniform();
  return Array.from({ length: count }, (_, i) => (i + offset) / count);
}

/**
 * Throws `out-of-memory` where not even the hidden states of a micro-batch fit into what the adapter binds at once: before the CPU
 * spends its time and memory on rows that cannot be trained on.
 */
export function checkBatchFits(
  { batchSize, accumulation, seqLen }: Pick<TrainOptions, 'batchSize' | 'accumulation' | 'seqLen'>,
  width: number,
  limit: number,
): void {
  const bytes = (4 * batchSize * seqLen * width) / accumulation;
  if (bytes <= limit) return;
  throw new ClozeError(
    'out-of-memory',
    `the hidden states of ${batchSize / accumulation} x ${seqLen} tokens take ${formatBytes(bytes)}, and this adapter binds ${formatBytes(limit)} at once`,
    'Split the batch (--accumulation) or lower its size or the sequence length',
  );
}
