/** Arithmetic on shapes, with errors that name the op. */
import { ClozeError } from '../gpu/index.ts';
import type { FloatType, Shape, Tensor } from './tensor.ts';

/** The shape that two shapes broadcast to, as NumPy's rules have it. Throws `shape` when an axis fits neither way. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) {
      throw new ClozeError(
        'shape',
        `${op} cannot broadcast [${a.join(', ')}] and [${b.join(', ')}]: ${m} and ${n} differ`,
        'Axes are matched from the last; each pair must be equal, or one of them 1',
      );
    }
    return m === 1 ? n : m;
  });
}

/** An axis counted from the front. Throws `shape` when there is no such axis. */
export function normalizeAxis(op: string, axis: number, shape: Shape): number {
  const positive = axis < 0 ? axis + shape.length : axis;
  if (Number.isInteger(axis) && positive >= 0 && positive < shape.length) return positive;
  throw new ClozeError('shape', `${op} has no axis ${axis} in [${shape.join(', ')}]`);
}

/** Axes counted from the front, in ascending order; all of them when none is given. Throws `shape` on a repetition. */
export function normalizeAxes(
  op: string,
  axes: number | readonly number[] | undefined,
  shape: Shape,
): number[] {
  if (axes === undefined) return shape.map((_, axis) => axis);
  const normal = [axes].flat().map((axis) => normalizeAxis(op, axis, shape));
  if (new Set(normal).size !== normal.length) {
    throw new ClozeError(
      'shape',
      `${op} names an axis of [${shape.join(', ')}] twice: ${[axes].flat().join(', ')}`,
    );
  }
  return normal.sort((a, b) => a - b);
}

/** The shape after reducing over axes: of size 1 with `keepdim`, else gone. */
export function reducedShape(shape: Shape, axes: readonly number[], keepdim: boolean): number[] {
  return keepdim
    ? shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
    : shape.filter((_, axis) => !axes.includes(axis));
}

/** Whether the elements are numbers with a fraction. */
export const isFloat = ({ dtype }: Tensor) => dtype === 'f32' || dtype === 'f16';

/** The type of what is computed from several tensors: f16 where all of them are, else f32. */
export function commonType(...tensors: readonly Tensor[]): FloatType {
  return tensors.every(({ dtype }) => dtype === 'f16') ? 'f16' : 'f32';
}

/** Throws `dtype` unless every tensor holds f32 or f16. */
export function checkFloat(op: string, ...tensors: readonly Tensor[]): void {
  for (const tensor of tensors) {
    if (!isFloat(tensor)) {
      throw new ClozeError('dtype', `${op} takes f32 or f16, and one operand is ${tensor}`);
    }
  }
}
