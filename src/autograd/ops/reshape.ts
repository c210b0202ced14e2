import { ClozeError } from '../../gpu/index.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';

/**
 * The same elements under another shape; no element is moved. One axis may be −1 and follows from the others.
 * Throws `shape` when the number of elements differs. The gradient is reshaped back.
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  x.check('reshape');
  const known = shape.reduce((product, axis) => (axis === -1 ? product : product * axis), 1);
  const full = shape.map((axis) => (axis === -1 ? x.size / known : axis));
  if (full.reduce((product, axis) => product * axis, 1) !== x.size || !full.every(Number.isInteger)) {
    throw new ClozeError('shape', `reshape cannot turn ${x} into [${shape.join(', ')}]`);
  }
  const y = x.engine.share(x.storage, full, x.dtype, x.view.offset);
  return record('reshape', [x], y, { save: [], vjp: (grad) => [reshape(grad, x.shape)] });
}
