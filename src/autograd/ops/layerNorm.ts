/** Layer normalisation over the last axis. */
import { ClozeError } from '../../gpu/index.ts';
import {
  layerNormBackward,
  layerNorm as layerNormKernel,
  layerNormParameters,
  rowBlock,
} from '../../kernels/layerNorm.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { sumOver } from './sumOver.ts';

/**
 * (x − mean) / √(variance + eps) · weight + bias over the last axis, with the biased variance (Ba, Kiros and Hinton,
 * 2016). x: [..., C]; weight, bias: [C], either may be absent. Throws `shape` when they do not fit.
 */
export function layerNorm(x: Tensor, weight?: Tensor, bias?: Tensor, eps = 1e-5): Tensor {
  const { engine } = x;
  const columns = x.shape[x.shape.length - 1];
  for (const [name, parameter] of Object.entries({ weight, bias })) {
    if (parameter && parameter.shape.join() !== `${columns}`) {
      throw new ClozeError(
        'shape',
        `layerNorm of ${x} with a ${name} of ${parameter}: it must be [${columns}]`,
      );
    }
  }
  const shape = { rows: x.size / columns, columns };
  const flags = { weight: weight !== undefined, bias: bias !== undefined };
  const y = engine.empty(x.shape);
  const offset = engine.empty([shape.rows]);
  const rstd = engine.empty([shape.rows]);
  engine.run(layerNormKernel, { ...shape, eps, ...flags }, { x, weight, bias, y, offset, rstd });

  const parameters = [weight, bias].filter((parameter) => parameter !== undefined);
  record('layerNorm', [x, ...parameters], y, {
    save: weight ? [x, offset, rstd, weight] : [x, offset, rstd],
    vjp: (dy, [x, offset, rstd, weight], [needsX, ...needsParameters]) => {
      let dx: Tensor | undefined;
      if (needsX) {
        dx = engine.empty(x.shape);
        const problem = { ...shape, weight: flags.weight };
        engine.run(layerNormBackward, problem, { x, weight, dy, offset, rstd, dx });
      }
      if (!needsParameters.includes(true)) return [dx, ...parameters.map(() => undefined)];

      const blocks = Math.ceil(shape.rows / rowBlock);
      const dweight = engine.empty([blocks, columns]);
      const dbias = engine.empty([blocks, columns]);
      engine.run(layerNormParameters, shape, { x, dy, offset, rstd, dweight, dbias });
      const total = (parts: Tensor) =>
        sumOver(parts, { outer: 1, length: blocks, inner: columns }, [columns]);
      const gradients = [...(flags.weight ? [dweight] : []), ...(flags.bias ? [dbias] : [])];
      return [dx, ...gradients.map((parts, i) => (needsParameters[i] ? total(parts) : undefined))];
    },
  });
  offset.dispose();
  rstd.dispose();
  return y;
}
