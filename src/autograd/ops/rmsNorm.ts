/** Root mean square normalisation over the last axis. */
import { ClozeError } from '../../gpu/index.ts';
import { rowBlock } from '../../kernels/layerNormBackward.ts';
import { rmsNormBackward, rmsNorm as rmsNormKernel, rmsNormParameters } from '../../kernels/rmsNorm.ts';
import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { sumOver } from './sumOver.ts';

/**
 * x / √(mean(x²) + eps) · weight over the last axis (Zhang and Sennrich, 2019). x: [..., C]; weight: [C], may be absent.
 * The default of eps is float32's 2⁻²³, as that of torch.nn.RMSNorm. Throws `shape` when they do not fit.
 */
export function rmsNorm(x: Tensor, weight?: Tensor, eps = 2 ** -23): Tensor {
  checkFloat('rmsNorm', x);
  const { engine } = x;
  const columns = x.shape[x.shape.length - 1];
  if (weight && weight.shape.join() !== `${columns}`) {
    throw new ClozeError('shape', `rmsNorm of ${x} with a weight of ${weight}: it must be [${columns}]`);
  }
  const shape = { rows: x.size / columns, columns };
  const problem = { ...shape, weight: weight !== undefined };
  const y = engine.empty(x.shape, x.dtype);
  const rstd = engine.empty([shape.rows]);
  engine.run(rmsNormKernel, { ...problem, eps }, { x, weight, y, rstd });

  record('rmsNorm', weight ? [x, weight] : [x], y, {
    save: weight ? [x, rstd, weight] : [x, rstd],
    vjp: (dy, [x, rstd, weight], needs, totals) => {
      const dx = needs[0] ? engine.empty(x.shape, x.dtype) : undefined;
      if (dx) engine.run(rmsNormBackward, problem, { x, weight, dy, rstd, dx });
      if (!needs[1]) return [dx];
      const blocks = Math.ceil(shape.rows / rowBlock);
      const dweight = engine.empty([blocks, columns]);
      engine.run(rmsNormParameters, shape, { x, dy, rstd, dweight });
      const axes = { outer: 1, length: blocks, inner: columns };
      return [dx, sumOver(dweight, axes, [columns], { total: totals[1] })];
    },
  });
  rstd.dispose();
  return y;
}
