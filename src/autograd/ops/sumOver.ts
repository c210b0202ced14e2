import { type ReduceProblem, sum, sumParts } from '../../kernels/reduce.ts';
import type { Shape, Tensor } from '../tensor.ts';

export interface SumOverOptions {
  /** Factor of the sum. Default 1. */
  scale?: number;
  /** The sum is added to this tensor, which is returned. */
  total?: Tensor;
}

/**
 * The sum over the middle axis of x seen as [outer, length, inner], as a tensor of `shape`; not recorded. A long sum of
 * few results is cut into parts that run side by side and are added up by a second run, always in the same order.
 */
export function sumOver(
  x: Tensor,
  axes: ReduceProblem,
  shape: Shape,
  { scale = 1, total }: SumOverOptions = {},
): Tensor {
  const { engine } = x;
  const { outer, inner } = axes;
  const parts = sumParts(axes);
  const finish = { scale, parts: 1, accumulate: total !== undefined };
  const y = total ?? engine.empty(shape);
  if (parts === 1) {
    engine.run(sum, { ...axes, ...finish }, { x, y });
    return y;
  }
  const partial = engine.empty([outer, parts, inner]);
  engine.run(sum, { ...axes, parts, scale: 1, accumulate: false }, { x, y: partial });
  engine.run(sum, { outer, length: parts, inner, ...finish }, { x: partial, y });
  partial.dispose();
  return y;
}
