import { ClozeError } from '../../gpu/index.ts';
import { gegluBackward, geglu as kernel } from '../../kernels/geglu.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { GeluOptions } from './unary.ts';

/**
 * gelu(a) · b, where a and b are the halves of the last axis: [..., 2F] → [..., F] (Shazeer, "GLU Variants Improve
 * Transformer", 2020). Throws `shape` when the last axis is odd.
 */
export function geglu(x: Tensor, { approximate = 'none' }: GeluOptions = {}): Tensor {
  checkFloat('geglu', x);
  const { engine } = x;
  const width = x.shape[x.shape.length - 1];
  if (width === undefined || width % 2 !== 0) {
    throw new ClozeError('shape', `geglu of ${x}: its last axis must hold two halves`);
  }
  const problem = { rows: x.size / width, columns: width / 2, approximate };
  const y = engine.empty([...x.shape.slice(0, -1), width / 2], x.dtype);
  engine.run(kernel, problem, { x, y });
  return record('geglu', [x], y, {
    save: [x],
    vjp: (dy, [x]) => {
      const dx = engine.empty(x.shape, x.dtype);
      engine.run(gegluBackward, problem, { x, dy, dx });
      return [dx];
    },
  });
}
