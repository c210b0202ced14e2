/** Sums, means and maxima over any axes. Axes may be negative; without `axis` everything is reduced to a scalar. */
import { ClozeError } from '../../gpu/index.ts';
import { maxBackward, max as maxKernel, type ReduceProblem } from '../../kernels/reduce.ts';
import { expandProblem, stridedCopy } from '../../kernels/stridedCopy.ts';
import { checkFloat, normalizeAxes, reducedShape } from '../shape.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { cast } from './cast.ts';
import { reshape } from './reshape.ts';
import { sumOver } from './sumOver.ts';
import { affine } from './unary.ts';

export interface ReduceOptions {
  axis?: number | readonly number[];
  /** Keeps reduced axes with size 1. */
  keepdim?: boolean;
}

/** Σ x over the axes, in f32. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return scaledSum('sum', x, options, () => 1);
}

/** The mean of x over the axes, in f32. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return scaledSum('mean', x, options, (count) => 1 / count);
}

function scaledSum(
  op: string,
  x: Tensor,
  options: ReduceOptions,
  scaleOf: (count: number) => number,
): Tensor {
  checkFloat(op, x);
  const axes = normalizeAxes(op, options.axis, x.shape);
  const scale = scaleOf(product(axes.map((axis) => x.shape[axis])));
  const y = sumAxes(x, axes, reducedShape(x.shape, axes, options.keepdim ?? false), scale);
  const kept = reducedShape(x.shape, axes, true);
  return record(op, [x], y, {
    save: [],
    vjp: (dy) => [repeat(reshape(scale === 1 ? dy : affine(dy, scale), kept), x.shape)],
  });
}

/** The greatest element over the axes. The gradient goes to the first of equals, in row-major order. */
export function max(x: Tensor, { axis, keepdim = false }: ReduceOptions = {}): Tensor {
  checkFloat('max', x);
  const axes = normalizeAxes('max', axis, x.shape);
  if (axes.some((at) => x.shape[at] === 0)) throw new ClozeError('shape', `max of no elements: ${x}`);
  return chain(cast(x, 'f32'), runsOf(x.shape, axes), maxOver, (y) =>
    reshape(y, reducedShape(x.shape, axes, keepdim)),
  );
}

/**
 * Adds a gradient up over the axes along which an operand of shape `shape` was repeated; not recorded.
 * Returns the gradient itself when there are none.
 */
export function sumTo(gradient: Tensor, shape: Shape): Tensor {
  const missing = gradient.shape.length - shape.length;
  const axes = gradient.shape.flatMap((size, axis) => {
    return size > 1 && (shape[axis - missing] ?? 1) === 1 ? [axis] : [];
  });
  return axes.length === 0 && missing === 0 ? gradient : sumAxes(gradient, axes, shape, 1);
}

/** x repeated to a shape that it broadcasts to; not recorded. */
export function repeat(x: Tensor, shape: Shape): Tensor {
  const y = x.engine.empty(shape, x.dtype);
  x.engine.run(stridedCopy, expandProblem(x.shape, shape), { x, y });
  return y;
}

function sumAxes(x: Tensor, axes: readonly number[], shape: Shape, scale: number): Tensor {
  const runs = runsOf(x.shape, axes);
  const step = (y: Tensor, run: ReduceProblem) =>
    sumOver(y, run, [run.outer, run.inner], { scale: run === runs.at(-1) ? scale : 1 });
  return chain(x, runs, step, (y) => x.engine.share(y.storage, shape, y.dtype, y.view.offset));
}

/** Reduces run by run, then gives the result its shape; frees what lies between. */
function chain(
  x: Tensor,
  runs: readonly ReduceProblem[],
  step: (x: Tensor, run: ReduceProblem) => Tensor,
  finish: (y: Tensor) => Tensor,
): Tensor {
  return [...runs.map((run) => (y: Tensor) => step(y, run)), finish].reduce((before, apply) => {
    const after = apply(before);
    if (before !== x) before.dispose();
    return after;
  }, x);
}

/** Neighbouring axes are reduced as one; the last such run comes first, so that the others keep their places. */
function runsOf(shape: Shape, axes: readonly number[]): ReduceProblem[] {
  const runs: ReduceProblem[] = [];
  let inner = 1;
  for (let axis = shape.length - 1; axis >= 0; ) {
    let length = 1;
    while (axis >= 0 && axes.includes(axis)) length *= shape[axis--];
    if (length !== 1) runs.push({ outer: product(shape.slice(0, axis + 1)), length, inner });
    while (axis >= 0 && !axes.includes(axis)) inner *= shape[axis--];
  }
  return runs;
}

function maxOver(x: Tensor, run: ReduceProblem): Tensor {
  const { engine } = x;
  const y = engine.empty([run.outer, run.inner]);
  const index = engine.empty(y.shape, 'u32');
  engine.run(maxKernel, run, { x, y, index });
  return record('max', [x], y, {
    save: [index],
    vjp: (dy, [index]) => {
      const dx = engine.empty(x.shape);
      engine.run(maxBackward, run, { index, dy, dx });
      return [dx];
    },
  });
}

const product = (sizes: Shape) => sizes.reduce((total, size) => total * size, 1);
