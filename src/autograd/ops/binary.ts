/** Sums, differences, products and quotients of two tensors with NumPy's broadcasting, or of a tensor and a number. */
import { type BinaryOp, binary, binaryProblem } from '../../kernels/binary.ts';
import { broadcastShapes, checkFloat, commonType } from '../shape.ts';
import { record, type Vjp } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { sumTo } from './reduce.ts';
import { affine, neg } from './unary.ts';

/** a + b. */
export function add(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return affine(a, 1, b);
  return record('add', [a, b], combine('add', a, b), {
    save: [],
    vjp: (dy, _, needs) => [
      needs[0] ? sumTo(dy, a.shape) : undefined,
      needs[1] ? sumTo(dy, b.shape) : undefined,
    ],
  });
}

/** a − b. */
export function sub(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return affine(a, 1, -b);
  return record('sub', [a, b], combine('sub', a, b), {
    save: [],
    vjp: (dy, _, needs) => [
      needs[0] ? sumTo(dy, a.shape) : undefined,
      needs[1] ? neg(sumTo(dy, b.shape)) : undefined,
    ],
  });
}

/** a · b, element by element. */
export function mul(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return affine(a, b);
  const vjp: Vjp = (dy, [a, b], needs) => [
    needs[0] ? sumTo(combine('mul', dy, b), a.shape) : undefined,
    needs[1] ? sumTo(combine('mul', dy, a), b.shape) : undefined,
  ];
  return record('mul', [a, b], combine('mul', a, b), { save: [a, b], vjp });
}

/** a / b. With y = a / b, da = dy / b and db = −dy y / b. */
export function div(a: Tensor, b: Tensor | number): Tensor {
  if (typeof b === 'number') return affine(a, 1 / b);
  const y = combine('div', a, b);
  return record('div', [a, b], y, {
    save: [b, y],
    vjp: (dy, [b, y], needs) => {
      const da = combine('div', dy, b);
      return [
        needs[0] ? sumTo(da, a.shape) : undefined,
        needs[1] ? neg(sumTo(combine('mul', da, y), b.shape)) : undefined,
      ];
    },
  });
}

function combine(op: BinaryOp, a: Tensor, b: Tensor): Tensor {
  checkFloat(op, a, b);
  const shape = broadcastShapes(op, a.shape, b.shape);
  const y = a.engine.empty(shape, commonType(a, b));
  a.engine.run(binary, binaryProblem(op, a.shape, b.shape, shape), { a, b, y });
  return y;
}
