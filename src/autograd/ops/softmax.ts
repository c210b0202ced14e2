/** Softmax and its logarithm along one axis. */
import { ClozeError } from '../../gpu/index.ts';
import { softmaxBackward, softmax as softmaxKernel } from '../../kernels/softmax.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { permute } from './permute.ts';

/**
 * exp(x) / Σ exp(x) along `axis`; same shape as x. Negative axes count from the end. Throws `shape` when there is no
 * such axis. Gradient: y (dy − Σ dy y).
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return alongAxis('softmax', x, axis);
}

/** log(softmax(x)), computed without the detour. Gradient: dy − exp(y) Σ dy. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return alongAxis('logSoftmax', x, axis);
}

function alongAxis(op: 'softmax' | 'logSoftmax', x: Tensor, axis: number): Tensor {
  const rank = x.shape.length;
  const last = rank - 1;
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at > last) {
    throw new ClozeError('shape', `${op} along axis ${axis} of ${x}: there is no such axis`);
  }
  if (at === last) return alongRows(op, x);
  const swapped = x.shape.map((_, i) => (i === at ? last : i === last ? at : i));
  return permute(alongRows(op, permute(x, swapped)), swapped);
}

function alongRows(op: 'softmax' | 'logSoftmax', x: Tensor): Tensor {
  checkFloat(op, x);
  const { engine } = x;
  const columns = x.shape[x.shape.length - 1];
  const problem = { rows: x.size / columns, columns, log: op === 'logSoftmax' };
  const y = engine.empty(x.shape, x.dtype);
  engine.run(softmaxKernel, problem, { x, y });
  return record(op, [x], y, {
    save: [y],
    vjp: (dy, [y]) => {
      const dx = engine.empty(y.shape, y.dtype);
      engine.run(softmaxBackward, problem, { y, dy, dx });
      return [dx];
    },
  });
}
