import { ClozeError } from '../../gpu/index.ts';
import { rotary as kernel } from '../../kernels/rotary.ts';
import type { Indices } from '../indices.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

/**
 * Rotary position embedding of heads that stand side by side: x [..., heads · depth], one position for each token, and a
 * table [rows, depth] from `rotaryTable`. Throws `shape` when they do not fit, `input` when the table lacks a position.
 *
 * A rotation's transpose turns back, which is the gradient.
 */
export function rotary(x: Tensor, positions: Indices, table: Tensor): Tensor {
  checkFloat('rotary', x);
  const [rows, depth] = table.shape;
  const width = x.shape[x.shape.length - 1];
  const fits = table.shape.length === 2 && width % depth === 0 && x.size === positions.size * width;
  if (!fits) {
    throw new ClozeError(
      'shape',
      `rotary of ${x} with ${positions.size} positions and a table of ${table}: x must be [tokens, heads · depth], the table [rows, depth]`,
    );
  }
  positions.checkRows(rows);
  const problem = { tokens: positions.size, heads: width / depth, depth, rows };
  const turn = (x: Tensor, positions: Tensor, table: Tensor, inverse: boolean) => {
    const y = x.engine.empty(x.shape, x.dtype);
    x.engine.run(kernel, { ...problem, inverse }, { x, positions, table, y });
    return y;
  };
  return record('rotary', [x], turn(x, positions.ids, table, false), {
    save: [positions.ids, table],
    vjp: (dy, [ids, angles]) => [turn(dy, ids, angles, true)],
  });
}
