/** The batches that a run trains on. */
import { ClozeError } from '../gpu/index.ts';
import { type Batch, batchCount, epochOrder, makeBatch } from './batch.ts';
import type { Dataset } from './dataset.ts';
import { checkMasking, type MaskingOptions } from './masking.ts';
import type { TrainOptions } from './options.ts';

export type TrainingBatchOptions = Pick<
  TrainOptions,
  'batchSize' | 'accumulation' | 'maskRate' | 'maskReplace' | 'seed'
>;

/** Every step's batches are a function of the seed and the step's number alone, so a resumed run finds its place. */
export class TrainingBatches {
  readonly stepsPerEpoch: number;
  private readonly dataset: Dataset;
  private readonly options: TrainingBatchOptions;
  private readonly masking: MaskingOptions;
  /** The order of the epoch under way. */
  private order: { epoch: number; rows: Uint32Array } | undefined;

  /** Throws `option` when the batch cannot be cut into equal micro-batches, or the vocabulary has no [MASK]. */
  constructor(dataset: Dataset, options: TrainingBatchOptions) {
    const { batchSize, accumulation, maskRate, maskReplace } = options;
    if (batchSize % accumulation !== 0) {
      throw new ClozeError(
        'option',
        `a batch of ${batchSize} cannot be cut into ${accumulation} micro-batches of one size`,
        'Make the batch size a multiple of the accumulation',
      );
    }
    const [mask, random, keep] = maskReplace;
    this.masking = { rate: maskRate, replace: { mask, random, keep } };
    checkMasking(this.masking, dataset.vocabulary);
    this.dataset = dataset;
    this.options = options;
    this.stepsPerEpoch = batchCount(dataset.size, batchSize, 'drop');
  }

  /** The micro-batches of step number `step`, from 1. A dataset smaller than a batch is filled up with empty rows. */
  of(step: number): Batch[] {
    const { batchSize, accumulation, seed } = this.options;
    const epoch = Math.floor((step - 1) / this.stepsPerEpoch);
    const start = ((step - 1) % this.stepsPerEpoch) * batchSize;
    const order = this.orderOf(epoch);
    const size = batchSize / accumulation;
    return Array.from({ length: accumulation }, (_, micro) => {
      const rows = Int32Array.from({ length: size }, (_, b) => order[start + micro * size + b] ?? -1);
      return makeBatch(this.dataset, rows, { masking: this.masking, seed, epoch });
    });
  }

  private orderOf(epoch: number): Uint32Array {
    if (this.order?.epoch !== epoch) {
      this.order = { epoch, rows: epochOrder(this.dataset.size, this.options.seed, epoch) };
    }
    return this.order.rows;
  }
}
