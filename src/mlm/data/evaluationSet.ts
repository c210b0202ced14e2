/** What a model is scored on: the same rows and the same masks every time, so that scores compare. */

import type { Objective } from '../objectives/objective.ts';
import type { TrainOptions } from '../training/options.ts';
import { type Batch, makeBatch } from './batch.ts';
import type { Session } from './session.ts';

/** The seed of the evaluation masks, whatever the seed of the run. */
export const evaluationMaskSeed = 1;

export type EvaluationOptions = Pick<TrainOptions, 'batchSize' | 'accumulation' | 'evalSequences'>;

/**
 * The validation batches: at most `evalSequences` rows, spread evenly over the validation part, as the objective shows them
 * in an evaluation. Which rows and masks they are does not depend on the batch size.
 */
export function evaluationBatches(
  { validation }: Pick<Session, 'validation'>,
  { evaluation }: Pick<Objective, 'evaluation'>,
  options: EvaluationOptions,
  maskSeed = evaluationMaskSeed,
): Batch[] {
  const count = Math.min(options.evalSequences, validation.size);
  const rows = Int32Array.from({ length: count }, (_, i) => Math.floor((i * validation.size) / count));
  const quantiles = Float64Array.from({ length: count }, (_, i) => (scattered(i, count) + 0.5) / count);
  const size = Math.min(options.batchSize / options.accumulation, count);
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => {
    const padded = new Int32Array(size).fill(-1);
    padded.set(rows.subarray(i * size, (i + 1) * size));
    return makeBatch(validation, padded, evaluation, {
      seed: maskSeed,
      epoch: 0,
      quantiles: quantiles.subarray(i * size, (i + 1) * size),
    });
  });
}

/** A permutation of 0 to n − 1 that puts neighbours far apart: steps of about the golden section. */
function scattered(i: number, n: number): number {
  let step = Math.max(1, Math.round(n * 0.618));
  while (gcd(step, n) > 1) step++;
  return (i * step) % n;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
