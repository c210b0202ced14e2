/** The loss of a classifier: cross-entropy between the softmax of its logits and the right classes. */
import { ClozeError } from '../../gpu/index.ts';
import {
  crossEntropyBackward,
  crossEntropy as crossEntropyKernel,
  crossEntropyTotal,
} from '../../kernels/crossEntropy.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

export interface CrossEntropyOptions {
  /** Rows with this label do not count. Default −100. */
  ignoreIndex?: number;
  /**
   * What the sum of the losses is divided by: one element. Default: the number of rows that count. Micro-batches that
   * share one normalizer add up to the loss of the batch; a normalizer of 1 gives the sum.
   */
  normalizer?: Tensor;
}

export interface CrossEntropyResult {
  /** The sum of `losses` over the normalizer, a scalar; 0 when no row counts. The only part with a gradient. */
  loss: Tensor;
  /** How many rows count: a scalar. */
  count: Tensor;
  /** How many rows' label is their largest logit: a scalar. */
  hits: Tensor;
  /** −log softmax(logits)[label] of each row, 0 where it does not count. */
  losses: Tensor;
  /** Of each row, u32: 1 where the label is the largest logit, the first if several are equal. */
  correct: Tensor;
}

/**
 * Cross-entropy of logits [..., V] against labels, i32, one for each row. Throws `shape` when their number differs,
 * `dtype` when labels are floats. A label that is neither a class nor `ignoreIndex` makes the loss absurdly large.
 * Gradient: (softmax − one-hot) / normalizer, computed from the logits again; probabilities are never stored.
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  options: CrossEntropyOptions = {},
): CrossEntropyResult {
  const { engine } = logits;
  const { ignoreIndex = -100, normalizer } = options;
  const columns = logits.shape[logits.shape.length - 1];
  const rows = logits.size / columns;
  if (labels.size !== rows) {
    throw new ClozeError(
      'shape',
      `crossEntropy of ${logits} with labels of ${labels}: it wants ${rows} of them`,
    );
  }
  if (labels.dtype === 'f32') {
    throw new ClozeError(
      'dtype',
      'crossEntropy wants whole numbers for labels, and got floats',
      'Use an Int32Array',
    );
  }
  if (normalizer && normalizer.size !== 1) {
    throw new ClozeError('shape', `crossEntropy wants a normalizer of one element, and got ${normalizer}`);
  }
  const problem = { rows, columns, ignoreIndex };
  const losses = engine.empty([rows]);
  const logSumExp = engine.empty([rows, 2]);
  const correct = engine.empty([rows], 'u32');
  engine.run(crossEntropyKernel, problem, { logits, labels, loss: losses, logSumExp, correct });

  const loss = engine.empty([]);
  const count = engine.empty([]);
  const hits = engine.empty([]);
  engine.run(
    crossEntropyTotal,
    { rows, ignoreIndex, normalizer: normalizer !== undefined },
    { loss: losses, correct, labels, normalizer, total: loss, count, hits },
  );
  record('crossEntropy', [logits], loss, {
    save: [logits, labels, logSumExp, normalizer ?? count],
    vjp: (gradient, [logits, labels, logSumExp, normalizer]) => {
      const dlogits = engine.empty(logits.shape);
      engine.run(crossEntropyBackward, problem, {
        logits,
        labels,
        logSumExp,
        gradient,
        normalizer,
        dlogits,
      });
      return [dlogits];
    },
  });
  logSumExp.dispose();
  return { loss, count, hits, losses, correct };
}
