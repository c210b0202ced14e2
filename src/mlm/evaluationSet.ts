/** What a model is scored on: the same rows and the same masks every time, so that scores compare. */
import { type Batch, makeBatch } from './batch.ts';
import { checkMasking, type MaskingOptions, pureMask } from './masking.ts';
import type { TrainOptions } from './options.ts';
import type { Session } from './session.ts';

/** The seed of the evaluation masks, whatever the seed of the run. */
export const evaluationMaskSeed = 1;

export type EvaluationOptions = Pick<
  TrainOptions,
  'maskRate' | 'evalMaskRate' | 'batchSize' | 'accumulation' | 'evalSequences'
>;

/**
 * The validation batches: at most `evalSequences` rows, spread evenly over the validation part. Every chosen token shows
 * [MASK] and is chosen by itself, as baselines and floors assume. Which rows and masks they are does not depend on the
 * batch size. Throws `option` when the vocabulary has no [MASK].
 */
export function evaluationBatches(
  { validation }: Pick<Session, 'validation'>,
  options: EvaluationOptions,
  maskSeed = evaluationMaskSeed,
): Batch[] {
  const rate = options.evalMaskRate ?? options.maskRate;
  const masking: MaskingOptions = { rate, replace: pureMask, selection: 'bernoulli' };
  checkMasking(masking, validation.vocabulary);
  const count = Math.min(options.evalSequences, validation.size);
  const rows = Int32Array.from({ length: count }, (_, i) => Math.floor((i * validation.size) / count));
  const size = Math.min(options.batchSize / options.accumulation, count);
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const padded = new Int32Array(size).fill(-1);
    padded.set(rows.subarray(i * size, (i + 1) * size));
    return makeBatch(validation, padded, { masking, seed: maskSeed, epoch: 0 });
  });
}
