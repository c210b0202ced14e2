/** Ops that move elements and compute nothing. */
import { ClozeError } from '../../gpu/index.ts';
import { permuteProblem, sliceProblem, stridedCopy } from '../../kernels/stridedCopy.ts';
import { contiguousStrides } from '../../kernels/strides.ts';
import { broadcastShapes, commonType, isFloat, normalizeAxis } from '../shape.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { repeat, sumTo } from './reduce.ts';

/** x with its axes in the order `axes`: axis i of the result is axis axes[i] of x. Throws `shape` if one is missing. */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  const order = axes.map((axis) => normalizeAxis('permute', axis, x.shape));
  if (order.length !== x.shape.length || new Set(order).size !== order.length) {
    throw new ClozeError(
      'shape',
      `permute of ${x} needs each of its axes once, and got [${axes.join(', ')}]`,
    );
  }
  const y = x.engine.empty(
    order.map((axis) => x.shape[axis]),
    x.dtype,
  );
  x.engine.run(stridedCopy, permuteProblem(x.shape, order), { x, y });
  const inverse = order.map((_, axis) => order.indexOf(axis));
  return record('permute', [x], y, { save: [], vjp: (dy) => [permute(dy, inverse)] });
}

/** x with two axes swapped, by default the last two. */
export function transpose(x: Tensor, first = -2, second = -1): Tensor {
  const order = x.shape.map((_, axis) => axis);
  const [a, b] = [normalizeAxis('transpose', first, x.shape), normalizeAxis('transpose', second, x.shape)];
  order[a] = b;
  order[b] = a;
  return permute(x, order);
}

/** x repeated along axes of size 1, and new ones in front. Throws `shape` when x does not broadcast to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  if (broadcastShapes('expand', x.shape, shape).join() !== shape.join()) {
    throw new ClozeError('shape', `expand cannot turn ${x} into [${shape.join(', ')}]`);
  }
  return record('expand', [x], repeat(x, shape), { save: [], vjp: (dy) => [sumTo(dy, x.shape)] });
}

/** Elements start … start + length − 1 along an axis. Throws `shape` when they are not all there. */
export function narrow(x: Tensor, axis: number, start: number, length: number): Tensor {
  const at = normalizeAxis('narrow', axis, x.shape);
  if (!(start >= 0 && length >= 0 && start + length <= x.shape[at])) {
    throw new ClozeError(
      'shape',
      `narrow of ${x} at axis ${at} has no elements ${start} to ${start + length - 1}`,
    );
  }
  const y = x.engine.empty(x.shape.with(at, length), x.dtype);
  const skipped = start * contiguousStrides(x.shape)[at];
  x.engine.run(stridedCopy, sliceProblem(y.shape, x.shape, skipped, y.shape, 0), { x, y });
  return record('narrow', [x], y, {
    save: [],
    vjp: (dy) => {
      const dx = x.engine.zeros(x.shape, dy.dtype);
      x.engine.run(stridedCopy, sliceProblem(dy.shape, dy.shape, 0, x.shape, skipped), { x: dy, y: dx });
      return [dx];
    },
  });
}

/** Tensors one after the other along an axis, f16 among f32 as f32. Throws `shape` when another axis differs. */
export function cat(parts: readonly Tensor[], axis = 0): Tensor {
  const tensors = parts.every(isFloat) ? parts.map((part) => cast(part, commonType(...parts))) : parts;
  const [first] = tensors;
  if (!first) throw new ClozeError('shape', 'cat needs at least one tensor');
  const at = normalizeAxis('cat', axis, first.shape);
  const others = ({ shape, dtype }: Tensor) => `${shape.toSpliced(at, 1)} ${dtype}`;
  for (const tensor of tensors) {
    if (tensor.shape.length !== first.shape.length || others(tensor) !== others(first)) {
      throw new ClozeError(
        'shape',
        `cat along axis ${at} needs equal other axes, and got ${first} and ${tensor}`,
      );
    }
  }
  const lengths = tensors.map(({ shape }) => shape[at]);
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((total, length) => total + length, 0));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const y = first.engine.empty(first.shape.with(at, total), first.dtype);
  const stride = contiguousStrides(y.shape)[at];
  tensors.forEach((x, i) => {
    y.engine.run(stridedCopy, sliceProblem(x.shape, x.shape, 0, y.shape, starts[i] * stride), { x, y });
  });
  return record('cat', tensors, y, {
    save: [],
    vjp: (dy, _, needs) => needs.map((need, i) => (need ? narrow(dy, at, starts[i], lengths[i]) : undefined)),
  });
}
