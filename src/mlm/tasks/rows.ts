/** What tasks share when they put their rows to a model. */
import { type Engine, reshape, type Tensor } from '../../autograd/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { type BatchInputs, uploadBatch } from '../data/batchInputs.ts';
import type { TaskModel, TaskRows } from './task.ts';

/** Most tokens of a row. */
export function lengthOf({ max_position_embeddings }: BertConfig, seqLen = 128): number {
  return Math.min(seqLen, max_position_embeddings);
}

/** The longest of `lengths`, rounded up, so that few shapes are compiled, and at most `longest`. */
export function roundedLength(lengths: readonly number[], longest: number): number {
  const most = lengths.reduce((most, length) => Math.max(most, length), 1);
  return Math.min(longest, 8 * Math.ceil(most / 8));
}

/**
 * Runs the model over all rows in order, without gradients and without dropout, and hands `output` of each to `take`: its
 * share of the values of the batch.
 */
export async function eachOutput(
  engine: Engine,
  trainee: Pick<TaskModel, 'model' | 'config' | 'extra'>,
  rows: TaskRows,
  { batchSize = 32, output }: { batchSize?: number; output: (inputs: BatchInputs) => Tensor },
  take: (row: number, values: Float32Array) => void,
): Promise<void> {
  trainee.model.eval();
  for (let start = 0; start < rows.size; start += batchSize) {
    const chosen = Int32Array.from({ length: batchSize }, (_, b) => (start + b < rows.size ? start + b : -1));
    const result = engine.noGrad(() =>
      engine.scope(() => {
        const inputs = uploadBatch(engine, trainee, rows.batch(chosen), { normalizer: 1, tokens: 1 });
        return reshape(output(inputs), [batchSize, -1]);
      }, 'predict'),
    );
    const values = (await result.data()) as Float32Array;
    result.dispose();
    const each = values.length / batchSize;
    chosen.forEach((row, b) => {
      if (row >= 0) take(row, values.subarray(b * each, (b + 1) * each));
    });
  }
}

/** The probabilities of logits, in float64. */
export function softmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const most = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const parts = values.map((value) => Math.exp(value - most));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}
