import { ClozeError } from '../../gpu/index.ts';
import { dropout as kernel } from '../../kernels/dropout.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

export interface DropoutOptions {
  /** [seed, step], u32: the same pair draws the same mask. */
  state: Tensor;
  /** Sets this use apart from the others that read the same state. */
  layer: number;
}

/** A probability with the counter to draw from. */
export interface DropoutUse extends DropoutOptions {
  /** From 0 to less than 1. */
  p: number;
}

/** Throws `option` unless 0 ≤ p < 1, `shape` for a state of the wrong kind. */
export function checkDropout({ p, state }: DropoutUse): void {
  if (!(p >= 0 && p < 1)) throw new ClozeError('option', `dropout of ${p}: p is at least 0 and less than 1`);
  if (state.dtype !== 'u32' || state.size !== 2) {
    throw new ClozeError('shape', `dropout needs a state of [2] u32, and got ${state}`);
  }
}

/**
 * Sets each element to zero with probability p and divides the others by 1 − p (Srivastava et al., "Dropout", 2014).
 * The mask is a pure function of (seed, step, layer, element): backward draws it again. p = 0 returns x itself.
 * Throws `option` unless 0 ≤ p < 1.
 */
export function dropout(x: Tensor, p: number, { state, layer }: DropoutOptions): Tensor {
  checkDropout({ p, state, layer });
  checkFloat('dropout', x);
  if (p === 0) return x;
  const { engine } = x;
  const problem = { count: x.size, p, layer };
  const y = engine.empty(x.shape, x.dtype);
  engine.run(kernel, problem, { x, state, y });
  return record('dropout', [x], y, {
    save: [state],
    vjp: (dy, [state]) => {
      const dx = engine.empty(x.shape, x.dtype);
      engine.run(kernel, problem, { x: dy, state, y: dx });
      return [dx];
    },
  });
}
