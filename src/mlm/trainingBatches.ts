/** The batches that a run trains on. */
import { ClozeError } from '../gpu/index.ts';
import { Random } from '../kernels/random.ts';
import { type Batch, batchCount, epochOrder, makeBatch } from './batch.ts';
import type { Dataset } from './dataset.ts';
import type { Corruption } from './objectives/objective.ts';
import type { TrainOptions } from './options.ts';
import { streams } from './streams.ts';

export type TrainingBatchOptions = Pick<TrainOptions, 'batchSize' | 'accumulation' | 'seed'>;

/** Every step's batches are a function of the seed and the step's number alone, so a resumed run finds its place. */
export class TrainingBatches {
  readonly stepsPerEpoch: number;
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
    this.stepsPerEpoch = batchCount(dataset.size, batchSize, 'drop');
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
      return makeBatch(this.dataset, rows, this.corruption, { seed, epoch, quantiles: own, progress });
    });
  }

  private orderOf(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, rows: epochOrder(this.dataset.size, this.options.seed, epoch) };
    }
    return this.order.rows;
  }
}

/** `count` numbers, one in each `count`-th part of [0, 1), all at the same place of their part, which is drawn. */
function stratified(count: number, random: Random): number[] {
  const offset = random.uniform();
  return Array.from({ length: count }, (_, i) => (i + offset) / count);
}
