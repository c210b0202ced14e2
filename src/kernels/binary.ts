/**
 * y = a op b for op in + − × ÷, with broadcasting: an axis of size 1, or one that is missing in front, is repeated.
 *
 * y: the broadcast shape, as an iteration of up to six axes; a, b: walked with a stride per axis, 0 where repeated.
 * `binaryProblem` works the iteration out of two shapes. It joins axes, so that equal shapes and numbers become one
 * axis, [rows, columns] op [columns] two.
 * Variants: `scalar` (any shapes), `vec4` (last joined axis a multiple of 4; an operand that is repeated along it is
 * read as single numbers, one that is not as vec4).
 */
import { type BinaryOp, binary as shader } from '../../shaders/binary.ts';
import { turns } from './elements.ts';
import type { KernelSpec } from './spec.ts';
import { spread } from './spec.ts';
import {
  activeAxes,
  collapse,
  contiguousStrides,
  extent,
  offsetAt,
  padAxes,
  strideParams,
  strideValues,
} from './strides.ts';

export type { BinaryOp };

export interface BinaryProblem {
  op: BinaryOp;
  /** Six sizes of the iteration, and the strides of a and b. */
  sizes: readonly number[];
  a: readonly number[];
  b: readonly number[];
}

/** The problem for operands of two shapes that broadcast to `shape`. */
export function binaryProblem(
  op: BinaryOp,
  a: readonly number[],
  b: readonly number[],
  shape: readonly number[],
): BinaryProblem {
  const { sizes, strides } = padAxes(
    collapse({ sizes: shape, strides: [broadcastStrides(a, shape), broadcastStrides(b, shape)] }),
  );
  return { op, sizes, a: strides[0], b: strides[1] };
}

/** Strides that walk a tensor of one shape as if it had another, to which it broadcasts. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const missing = to.length - from.length;
  const strides = contiguousStrides(from);
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]));
}

const count = ({ sizes }: BinaryProblem) => sizes.reduce((product, size) => product * size, 1);

/** True where four neighbours of the last axis are one vec4 of the operand, or one number of it. */
function alignedStrides(strides: readonly number[]): boolean {
  const last = strides.at(-1);
  return last === 0 || (last === 1 && strides.slice(0, -1).every((stride) => stride % 4 === 0));
}

const calculate: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

export const binary: KernelSpec<BinaryProblem> = {
  name: 'binary',
  bindings: [
    { name: 'a', access: 'read', type: 'f32', half: true, length: (p) => extent(p.sizes, p.a) },
    { name: 'b', access: 'read', type: 'f32', half: true, length: (p) => extent(p.sizes, p.b) },
    { name: 'y', access: 'write', type: 'f32', half: true, length: count },
  ],
  params: { count: 'u32', ...strideParams },
  values: (p) => ({ count: count(p), ...strideValues(p.sizes, p.a, p.b) }),
  cost: (p) => ({ flops: count(p), bytes: 4 * (count(p) + extent(p.sizes, p.a) + extent(p.sizes, p.b)) }),
  reductionLength: () => 1,
  reference: (p, { a, b }) => ({
    y: Float64Array.from({ length: count(p) }, (_, i) =>
      calculate[p.op](a[offsetAt(i, p.sizes, p.a)], b[offsetAt(i, p.sizes, p.b)]),
    ),
  }),
  inputs: (p, random) => {
    const awayFromZero = () => random.normal() + 4;
    return p.op === 'div'
      ? { b: Float32Array.from({ length: extent(p.sizes, p.b) }, awayFromZero) }
      : ({} as Record<string, Float32Array>);
  },
  awkward: [
    binaryProblem('add', [], [], []),
    binaryProblem('sub', [257], [257], [257]),
    binaryProblem('div', [20, 13], [20, 13], [20, 13]),
    binaryProblem('mul', [7, 12], [], [7, 12]),
    binaryProblem('sub', [], [7, 12], [7, 12]),
    binaryProblem('add', [5, 3, 68], [68], [5, 3, 68]),
    binaryProblem('mul', [3, 1], [1, 5], [3, 5]),
    binaryProblem('div', [9, 8], [9, 1], [9, 8]),
    binaryProblem('add', [2, 1, 3, 1, 2, 4], [1, 5, 1, 2, 1, 4], [2, 5, 3, 2, 2, 4]),
    binaryProblem('sub', [2, 1, 3, 1, 2, 3], [1, 5, 1, 2, 1, 3], [2, 5, 3, 2, 2, 3]),
    binaryProblem('mul', [2, 3, 5, 8], [2, 1, 1, 8], [2, 3, 5, 8]),
    binaryProblem('add', [1_048_577, 4], [4], [1_048_577, 4]),
  ],
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: ({ op, sizes, f16 }) =>
        shader({ op, width: 1, axes: activeAxes(sizes), repeatA: false, repeatB: false, f16 }),
      workgroups: (p, capabilities) => spread(Math.ceil(count(p) / 64 / turns(capabilities))),
    },
    {
      name: 'vec4',
      supports: (_, { sizes, a, b }) =>
        ((sizes.at(-1) as number) % 4 === 0 && alignedStrides(a) && alignedStrides(b)) ||
        'the last axis is not made of whole vec4',
      source: ({ op, sizes, a, b, f16 }) =>
        shader({
          op,
          width: 4,
          axes: activeAxes(sizes),
          repeatA: a.at(-1) === 0,
          repeatB: b.at(-1) === 0,
          f16,
        }),
      workgroups: (p, capabilities) => spread(Math.ceil(count(p) / 256 / turns(capabilities))),
    },
  ],
};
