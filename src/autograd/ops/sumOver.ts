import { type ReduceProblem, sum, sumParts } from '../../kernels/reduce.ts';
import type { Shape, Tensor } from '../tensor.ts';

/**
 * scale times the sum over the middle axis of x seen as [outer, length, inner], as a tensor of `shape`; not recorded. A
 * long sum of few results is cut into parts that run side by side and are added up by a second run, always in the same
 * order.
 */
export function sumOver(x: Tensor, axes: ReduceProblem, shape: Shape, scale = 1): Tensor {
  const { engine } = x;
  const { outer, inner } = axes;
  const parts = sumParts(axes);
  const y = engine.empty(parts > 1 ? [outer, parts, inner] : shape);
  engine.run(sum, { ...axes, parts, scale: parts > 1 ? 1 : scale }, { x, y });
  if (parts === 1) return y;
  const total = engine.empty(shape);
  engine.run(sum, { outer, length: parts, inner, parts: 1, scale }, { x: y, y: total });
  y.dispose();
  return total;
}
