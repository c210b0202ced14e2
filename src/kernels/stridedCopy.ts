/**
 * Moves elements: y[startY + Σ index · strideY] = x[startX + Σ index · strideX] over an iteration of up to six axes.
 * Permuting, taking a slice, writing a slice and repeating along an axis are all this one kernel; the functions
 * `permuteProblem`, `sliceProblem` and `expandProblem` say how. What y holds elsewhere stays.
 *
 * Variants: `scalar` (anything), `vec4` (the last axis is contiguous in y, contiguous or repeated in x, and aligned),
 * `transpose` (x is contiguous along the last axis but one: an invocation turns a block of 4 by 4 in registers, so
 * that both sides move whole vec4).
 */
import { stridedCopy as copyShader, transposedCopy } from '../../shaders/stridedCopy.ts';
import { ClozeError } from '../gpu/index.ts';
import { broadcastStrides } from './binary.ts';
import { turns } from './elements.ts';
import { type KernelSpec, spread } from './spec.ts';
import {
  activeAxes,
  collapse,
  contiguousStrides,
  extent,
  type Iteration,
  offsetAt,
  padAxes,
  strideParams,
  strideValues,
} from './strides.ts';

export interface StridedCopyProblem {
  /** Elements of the whole tensors. */
  lengthX: number;
  lengthY: number;
  startX: number;
  startY: number;
  /** Six sizes of the iteration, and the strides of x and y. */
  sizes: readonly number[];
  strideX: readonly number[];
  strideY: readonly number[];
}

type Shape = readonly number[];
const product = (sizes: Shape) => sizes.reduce((total, size) => total * size, 1);

/** y is x with its axes in the order `axes`. */
export function permuteProblem(shape: Shape, axes: readonly number[]): StridedCopyProblem {
  const strides = contiguousStrides(shape);
  const sizes = axes.map((axis) => shape[axis]);
  const from = axes.map((axis) => strides[axis]);
  return problem(product(sizes), product(sizes), { sizes, strides: [from, contiguousStrides(sizes)] });
}

/**
 * Copies a box of `sizes` out of a tensor of shape `from`, where it begins at `startX`, into one of shape `to`, where
 * it begins at `startY` (elements from the beginning).
 */
export function sliceProblem(sizes: Shape, from: Shape, startX: number, to: Shape, startY: number) {
  const strides = [contiguousStrides(from), contiguousStrides(to)];
  return problem(product(from), product(to), { sizes, strides }, startX, startY);
}

/** Repeats x, of shape `from`, to the shape `to` that it broadcasts to. */
export function expandProblem(from: Shape, to: Shape): StridedCopyProblem {
  const strides = [broadcastStrides(from, to), contiguousStrides(to)];
  return problem(product(from), product(to), { sizes: to, strides });
}

function problem(
  lengthX: number,
  lengthY: number,
  iteration: Iteration,
  startX = 0,
  startY = 0,
): StridedCopyProblem {
  const { sizes, strides } = padAxes(blocksLast(collapse(iteration)));
  return { lengthX, lengthY, startX, startY, sizes, strideX: strides[0], strideY: strides[1] };
}

/** The order of an iteration is free: the axis along which x is contiguous comes to stand beside the last one. */
function blocksLast({ sizes, strides }: Iteration): Iteration {
  const axis = strides[0].lastIndexOf(1);
  const beside = sizes.length - 2;
  if (axis < 0 || axis >= beside) return { sizes, strides };
  const move = (list: readonly number[]) => [
    ...list.slice(0, axis),
    ...list.slice(axis + 1, -1),
    list[axis],
    list[beside + 1],
  ];
  return { sizes: move(sizes), strides: strides.map(move) };
}

const multiplesOf4 = (numbers: readonly number[]) => numbers.every((value) => value % 4 === 0);

function vec4Reason(p: StridedCopyProblem): true | string {
  const [last, x, y] = [p.sizes[5], p.strideX[5], p.strideY[5]];
  const alignedX = x === 0 || (x === 1 && multiplesOf4([p.startX, ...p.strideX.slice(0, 5)]));
  const alignedY = y === 1 && multiplesOf4([p.startY, ...p.strideY.slice(0, 5)]);
  return (last % 4 === 0 && alignedX && alignedY) || 'the last axis is not made of whole vec4';
}

function transposeReason(p: StridedCopyProblem): true | string {
  const { sizes, strideX, strideY, startX, startY } = p;
  const turned = strideX[4] === 1 && strideY[5] === 1;
  const aligned = [sizes[4], sizes[5], startX, startY, strideX[5], strideY[4]];
  const outer = [...strideX.slice(0, 4), ...strideY.slice(0, 4)];
  return (
    (turned && multiplesOf4([...aligned, ...outer])) || 'the last two axes are not made of 4 by 4 blocks'
  );
}

export const stridedCopy: KernelSpec<StridedCopyProblem> = {
  name: 'stridedCopy',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => p.lengthX },
    { name: 'y', access: 'read-write', type: 'f32', half: true, length: (p) => p.lengthY },
  ],
  params: { count: 'u32', startX: 'u32', startY: 'u32', ...strideParams },
  values: (p) => ({
    count: product(p.sizes),
    startX: p.startX,
    startY: p.startY,
    ...strideValues(p.sizes, p.strideX, p.strideY),
  }),
  check: (p) => {
    const room = (length: number, start: number, strides: Shape) =>
      start + extent(p.sizes, strides) <= length;
    if (!room(p.lengthX, p.startX, p.strideX) || !room(p.lengthY, p.startY, p.strideY)) {
      throw new ClozeError('shape', 'stridedCopy would leave one of its tensors');
    }
  },
  cost: (p) => ({ flops: 0, bytes: 8 * product(p.sizes) }),
  reductionLength: () => 1,
  reference: (p, { x, y }) => {
    const result = Float64Array.from(y);
    for (let i = 0; i < product(p.sizes); i++) {
      result[p.startY + offsetAt(i, p.sizes, p.strideY)] = x[p.startX + offsetAt(i, p.sizes, p.strideX)];
    }
    return { y: result };
  },
  awkward: [
    permuteProblem([1], [0]),
    permuteProblem([13, 17], [1, 0]),
    permuteProblem([64, 36], [1, 0]),
    permuteProblem([2, 3, 4, 5], [0, 2, 1, 3]),
    permuteProblem([2, 7, 3, 8], [0, 2, 1, 3]),
    permuteProblem([2, 8, 3, 12], [0, 2, 3, 1]),
    permuteProblem([8, 3, 2, 4], [3, 1, 2, 0]),
    permuteProblem([2, 3, 2, 3, 2, 5], [5, 1, 3, 0, 4, 2]),
    sliceProblem([3, 4], [3, 12], 8, [3, 4], 0),
    sliceProblem([3, 4], [3, 4], 0, [3, 9], 5),
    expandProblem([5, 1, 3], [5, 7, 3]),
    expandProblem([5, 1], [5, 8]),
    expandProblem([], [2, 3]),
    permuteProblem([2_097_200, 2], [1, 0]),
  ],
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: ({ sizes, f16 }) => copyShader({ width: 1, axes: activeAxes(sizes), repeat: false, f16 }),
      workgroups: (p, capabilities) => spread(Math.ceil(product(p.sizes) / 64 / turns(capabilities))),
    },
    {
      name: 'vec4',
      supports: (_, p) => vec4Reason(p),
      source: ({ sizes, strideX, f16 }) =>
        copyShader({ width: 4, axes: activeAxes(sizes), repeat: strideX[5] === 0, f16 }),
      workgroups: (p, capabilities) => spread(Math.ceil(product(p.sizes) / 256 / turns(capabilities))),
    },
    {
      name: 'transpose',
      supports: (_, p) => transposeReason(p),
      source: ({ sizes, f16 }) => transposedCopy(activeAxes(sizes), f16),
      workgroups: (p, capabilities) => spread(Math.ceil(product(p.sizes) / 1024 / turns(capabilities))),
    },
  ],
};
