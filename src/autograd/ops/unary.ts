/** Functions of each element. Each saves its input or its output, whichever its slope is simpler in. */
import { affine as affineKernel, savedBy, type UnaryOp, unary, unaryBackward } from '../../kernels/unary.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

function apply(op: UnaryOp, x: Tensor): Tensor {
  checkFloat(op, x);
  const { engine, size: count } = x;
  const y = engine.empty(x.shape, x.dtype);
  engine.run(unary, { count, op }, { x, y });
  return record(op, [x], y, {
    save: [savedBy(op) === 'x' ? x : y],
    vjp: (dy, [saved]) => {
      const dx = engine.empty(dy.shape, x.dtype);
      engine.run(unaryBackward, { count, op }, { saved, dy, dx });
      return [dx];
    },
  });
}

/** scale · x + shift, with numbers that are the same for all elements. */
export function affine(x: Tensor, scale: number, shift = 0): Tensor {
  checkFloat('affine', x);
  const { engine, size: count } = x;
  const y = engine.empty(x.shape, x.dtype);
  engine.run(affineKernel, { count, scale, shift }, { x, y });
  return record('affine', [x], y, { save: [], vjp: (dy) => [affine(dy, scale)] });
}

export function neg(x: Tensor): Tensor {
  return affine(x, -1);
}

/** |x|, with the slope 0 at 0. */
export function abs(x: Tensor): Tensor {
  return apply('abs', x);
}

export function exp(x: Tensor): Tensor {
  return apply('exp', x);
}

/** The natural logarithm of x > 0. */
export function log(x: Tensor): Tensor {
  return apply('log', x);
}

/** √x for x > 0. */
export function sqrt(x: Tensor): Tensor {
  return apply('sqrt', x);
}

export function square(x: Tensor): Tensor {
  return apply('square', x);
}

/** 1 / x. */
export function reciprocal(x: Tensor): Tensor {
  return apply('reciprocal', x);
}

export function tanh(x: Tensor): Tensor {
  return apply('tanh', x);
}

/** max(x, 0), with the slope 0 at 0. */
export function relu(x: Tensor): Tensor {
  return apply('relu', x);
}

/** 1 / (1 + exp(−x)). */
export function sigmoid(x: Tensor): Tensor {
  return apply('sigmoid', x);
}

export interface GeluOptions {
  /** `none` (default) is x Φ(x), `tanh` its approximation. */
  approximate?: 'none' | 'tanh';
}

/** The Gaussian error linear unit (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016). */
export function gelu(x: Tensor, { approximate = 'none' }: GeluOptions = {}): Tensor {
  return apply(approximate === 'tanh' ? 'gelu_tanh' : 'gelu', x);
}
