/** Random choices by probabilities that a model gives. */
import { ClozeError } from '../../gpu/index.ts';
import { markReplaced as markKernel, sampleRows as sampleKernel } from '../../kernels/sampleRows.ts';
import type { Indices } from '../indices.ts';
import { checkFloat } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import type { DropoutOptions } from './dropout.ts';

/**
 * Draws a class for each row of logits [rows, V] by its softmax: the classes, u32 [rows], and one-hot rows [rows, V]. What is
 * drawn is a pure function of the logits and (seed, step, layer). No gradient flows through a choice.
 */
export function sampleRows(
  scores: Tensor,
  { state, layer }: DropoutOptions,
): { chosen: Tensor; oneHot: Tensor } {
  checkFloat('sampleRows', scores);
  const { engine } = scores;
  const logits = engine.noGrad(() => cast(scores, 'f32'));
  if (logits.shape.length !== 2)
    throw new ClozeError('shape', `sampleRows needs [rows, classes], and got ${logits}`);
  const [rows, columns] = logits.shape;
  const chosen = engine.empty([rows], 'u32');
  const oneHot = engine.empty([rows, columns]);
  engine.run(sampleKernel, { rows, columns, layer }, { logits, state, chosen, oneHot });
  return { chosen, oneHot };
}

/**
 * A copy of `labels`, i32, with a 1 at each of `positions` whose chosen class is another than the true one; a negative truth
 * marks nothing.
 */
export function markReplaced(labels: Tensor, chosen: Tensor, truth: Tensor, positions: Indices): Tensor {
  const { engine } = labels;
  const marked = engine.copyOf(labels);
  engine.run(
    markKernel,
    { count: chosen.size, tokens: labels.size },
    { chosen, truth, positions: positions.ids, labels: marked },
  );
  return marked;
}
