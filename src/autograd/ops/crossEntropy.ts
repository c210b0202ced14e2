/** The loss of a classifier: cross-entropy between the softmax of its logits and the right classes. */
import { ClozeError } from '../../gpu/index.ts';
import {
  crossEntropyCount,
  crossEntropy as crossEntropyKernel,
  crossEntropyTotal,
} from '../../kernels/crossEntropy.ts';
import { scale } from '../../kernels/scale.ts';
import type { Engine } from '../engine.ts';
import { isFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { cast } from './cast.ts';

export interface CrossEntropyOptions {
  /** Rows with this label do not count. Default −100. */
  ignoreIndex?: number;
  /**
   * What the sum of the losses is divided by: one element. Default: the number of rows that count. Micro-batches that
   * share one normalizer add up to the loss of the batch; a normalizer of 1 gives the sum.
   */
  normalizer?: Tensor;
  /** A factor of each row's loss. */
  weights?: Tensor;
  /** In [0, 1): this share of the truth is spread evenly over all classes, as PyTorch's `label_smoothing`. Default 0. */
  smoothing?: number;
}

export interface CrossEntropyResult {
  /** The sum of `losses` over the normalizer, a scalar; 0 when no row counts. The only part with a gradient. */
  loss: Tensor;
  /** How many rows count: a scalar. */
  count: Tensor;
  /** How many rows' label is their largest logit: a scalar. */
  hits: Tensor;
  /** −log softmax(logits)[label] of each row, times its weight; 0 where it does not count. */
  losses: Tensor;
  /** Of each row, u32: 1 where the label is the largest logit, the first if several are equal. */
  correct: Tensor;
}

/**
 * Cross-entropy of logits [..., V] against labels, i32, one for each row. Throws `shape` when their number differs,
 * `dtype` when labels are floats, `option` for a smoothing that leaves the label nothing. A label that is neither a class nor
 * `ignoreIndex` makes the loss absurdly large.
 * Gradient: weight · (softmax − truth) / normalizer, written in the forward pass, which has the logits at hand.
 */
export function crossEntropy(
  scores: Tensor,
  labels: Tensor,
  options: CrossEntropyOptions = {},
): CrossEntropyResult {
  const logits = cast(scores, 'f32');
  const { engine } = logits;
  const columns = logits.shape[logits.shape.length - 1];
  const rows = logits.size / columns;
  checkLabels('crossEntropy', logits, labels, rows, options);
  const { ignoreIndex = -100, weights, smoothing = 0 } = options;
  const wanted = engine.tape.recording && logits.requiresGrad;
  const parts = new LossParts(engine, labels, rows, options);
  const dlogits = wanted ? engine.empty(logits.shape) : undefined;
  engine.run(
    crossEntropyKernel,
    {
      rows,
      columns,
      pitch: columns,
      ignoreIndex,
      weighted: weights !== undefined,
      gradient: wanted ? 'apart' : 'none',
      ...(smoothing > 0 && { smoothing }),
    },
    {
      logits,
      labels,
      weights,
      normalizer: parts.normalizer,
      loss: parts.losses,
      correct: parts.correct,
      dlogits,
    },
  );
  const result = parts.total();
  record('crossEntropy', [logits], result.loss, {
    save: dlogits ? [dlogits] : [],
    vjp: (gradient, [dlogits]) => [scaled(dlogits, gradient)],
  });
  dlogits?.dispose();
  return result;
}

/** What the losses over logits share: the parts of their result, row by row and added up. */
export class LossParts {
  readonly losses: Tensor;
  readonly correct: Tensor;
  readonly count: Tensor;
  readonly normalizer: Tensor;

  constructor(engine: Engine, labels: Tensor, rows: number, options: CrossEntropyOptions) {
    const { ignoreIndex = -100, normalizer } = options;
    this.losses = engine.empty([rows]);
    this.correct = engine.empty([rows], 'u32');
    this.count = engine.empty([]);
    this.normalizer = normalizer ?? this.count;
    engine.run(crossEntropyCount, { rows, ignoreIndex }, { labels, count: this.count });
  }

  /** Adds the rows up, once they are there. */
  total(): CrossEntropyResult {
    const { losses, correct, count, normalizer } = this;
    const { engine } = losses;
    const loss = engine.empty([]);
    const hits = engine.empty([]);
    engine.run(
      crossEntropyTotal,
      { rows: losses.size },
      { loss: losses, correct, normalizer, total: loss, hits },
    );
    return { loss, count, hits, losses, correct };
  }
}

/** Throws what {@link crossEntropy} throws; `rows` is how many labels there must be. */
export function checkLabels(
  op: string,
  rowsOf: Tensor,
  labels: Tensor,
  rows: number,
  { normalizer, weights, smoothing = 0 }: CrossEntropyOptions,
): void {
  if (labels.size !== rows) {
    throw new ClozeError('shape', `${op} of ${rowsOf} with labels of ${labels}: it wants ${rows} of them`);
  }
  if (isFloat(labels)) {
    throw new ClozeError(
      'dtype',
      `${op} wants whole numbers for labels, and got floats`,
      'Use an Int32Array',
    );
  }
  if (weights && weights.size !== rows) {
    throw new ClozeError('shape', `${op} of ${rowsOf} with weights of ${weights}: it wants ${rows} of them`);
  }
  if (!(smoothing >= 0 && smoothing < 1)) {
    throw new ClozeError('option', `${op} with a smoothing of ${smoothing}`, 'Use a number from 0, below 1');
  }
  if (normalizer && normalizer.size !== 1) {
    throw new ClozeError('shape', `${op} wants a normalizer of one element, and got ${normalizer}`);
  }
}

/** A gradient made in the forward pass, times the one that has arrived at the loss, in the same memory. */
export function scaled(x: Tensor, gradient: Tensor): Tensor {
  x.engine.run(scale, { count: x.size }, { factor: gradient, x });
  return x.alias();
}
