/**
 * Walking several tensors at once: an iteration has sizes, outermost axis first, and for each tensor a stride per
 * axis, which is 0 where the tensor is repeated. Kernels take up to six axes, filled with axes of size 1 in front.
 */
import { ClozeError } from '../gpu/index.ts';

export const maxAxes = 6;

export interface Iteration {
  sizes: readonly number[];
  /** One list per tensor. */
  strides: readonly (readonly number[])[];
}

/** Strides of a contiguous, row-major tensor, in elements. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Drops axes of size 1 and joins neighbouring axes that every tensor walks as one. */
export function collapse({ sizes, strides }: Iteration): Iteration {
  const joined: { size: number; steps: number[] }[] = [];
  sizes.forEach((size, axis) => {
    if (size === 1) return;
    const steps = strides.map((list) => list[axis]);
    const outer = joined.at(-1);
    if (outer && steps.every((step, tensor) => outer.steps[tensor] === step * size)) {
      outer.size *= size;
      outer.steps = steps;
    } else {
      joined.push({ size, steps });
    }
  });
  return {
    sizes: joined.map(({ size }) => size),
    strides: strides.map((_, tensor) => joined.map(({ steps }) => steps[tensor])),
  };
}

/** Fills an iteration up to six axes. Throws `shape` when it has more. */
export function padAxes({ sizes, strides }: Iteration): Iteration {
  const missing = maxAxes - sizes.length;
  if (missing < 0) {
    throw new ClozeError('shape', `${sizes.length} axes are too many: kernels take ${maxAxes}`);
  }
  return {
    sizes: [...Array(missing).fill(1), ...sizes],
    strides: strides.map((list) => [...Array(missing).fill(0), ...list]),
  };
}

/** Axes that a kernel has to tell apart: six less those of size 1 in front, at least one. */
export function activeAxes(sizes: readonly number[]): number {
  const first = sizes.findIndex((size) => size > 1);
  return first < 0 ? 1 : sizes.length - first;
}

/** Elements from the first to the last that an iteration touches. */
export function extent(sizes: readonly number[], strides: readonly number[]): number {
  return 1 + sizes.reduce((last, size, axis) => last + (size - 1) * strides[axis], 0);
}

/** Where a tensor has the element that comes at `index` in the iteration. */
export function offsetAt(index: number, sizes: readonly number[], strides: readonly number[]): number {
  let offset = 0;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    offset += (index % sizes[axis]) * strides[axis];
    index = Math.floor(index / sizes[axis]);
  }
  return offset;
}

/** The fields of `shaders/strides.ts`: size0 … size5, and for two tensors first0 … and second0 … */
export const strideParams: Readonly<Record<string, 'u32'>> = Object.fromEntries(
  ['size', 'first', 'second'].flatMap((name) =>
    Array.from({ length: maxAxes }, (_, axis) => [name + axis, 'u32' as const]),
  ),
);

export function strideValues(
  sizes: readonly number[],
  first: readonly number[],
  second: readonly number[],
): Record<string, number> {
  const lists = { size: sizes, first, second };
  return Object.fromEntries(
    Object.entries(lists).flatMap(([name, list]) => list.map((value, axis) => [name + axis, value])),
  );
}
