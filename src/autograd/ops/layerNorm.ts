/** Layer normalisation over the last axis, alone or of a residual sum. */
import { ClozeError } from '../../gpu/index.ts';
import { layerNorm as layerNormKernel } from '../../kernels/layerNorm.ts';
import { layerNormBackward, layerNormParameters, rowBlock } from '../../kernels/layerNormBackward.ts';
import { checkFloat, commonType } from '../shape.ts';
import { record, recordAll } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { checkDropout, type DropoutUse, dropout } from './dropout.ts';
import { sumOver } from './sumOver.ts';

/**
 * (x − mean) / √(variance + eps) · weight + bias over the last axis, with the biased variance (Ba, Kiros and Hinton,
 * 2016). x: [..., C]; weight, bias: [C], either may be absent. Throws `shape` when they do not fit.
 */
export function layerNorm(x: Tensor, weight?: Tensor, bias?: Tensor, eps = 1e-5): Tensor {
  const { engine } = x;
  checkFloat('layerNorm', x);
  const shape = shapeOf('layerNorm', x, { weight, bias });
  const flags = { weight: weight !== undefined, bias: bias !== undefined };
  const y = engine.empty(x.shape, x.dtype);
  const statistics = engine.empty([shape.rows, 2]);
  const problem = { ...shape, eps, ...flags, residual: false, p: 0, layer: 0 };
  engine.run(layerNormKernel, problem, { x, weight, bias, y, statistics });
  record('layerNorm', present(x, weight, bias), y, {
    save: present(x, statistics, weight),
    vjp: (dy, [x, statistics, weight], [needsX, ...needs], [, ...totals]) => {
      const dx = needsX ? engine.empty(x.shape, x.dtype) : undefined;
      if (dx) {
        const problem = { ...shape, weight: flags.weight, dsum: false, p: 0, layer: 0 };
        engine.run(layerNormBackward, problem, { x, weight, dy, statistics, dx });
      }
      return [dx, ...parameterGradients(flags, x, dy, statistics, needs, totals)];
    },
  });
  statistics.dispose();
  return y;
}

export interface ResidualLayerNormOptions {
  weight?: Tensor;
  bias?: Tensor;
  /** Default 1e-5. */
  eps?: number;
  /** Dropout of x before the sum, as the op `dropout` would; none when absent. */
  dropout?: DropoutUse;
}

/**
 * The sum residual + dropout(x), and `y`, its layer norm, in one kernel: what ends each block of a transformer. Equal to
 * `add`, `dropout` and `layerNorm` one after the other, with the same mask, and backward draws it again. Gradients may
 * arrive through both results. x, residual: [..., C]; weight, bias: [C]. Throws `shape` when they do not fit.
 */
export function residualLayerNorm(
  x: Tensor,
  residual: Tensor,
  options: ResidualLayerNormOptions = {},
): { y: Tensor; sum: Tensor } {
  const { engine } = x;
  const { weight, bias, eps = 1e-5 } = options;
  if (residual.shape.join() !== x.shape.join()) {
    throw new ClozeError(
      'shape',
      `residualLayerNorm of ${x} with a residual of ${residual}: the same is needed`,
    );
  }
  checkFloat('residualLayerNorm', x, residual);
  const shape = shapeOf('residualLayerNorm', x, { weight, bias });
  if (options.dropout) checkDropout(options.dropout);
  const { p, layer, state } = options.dropout?.p ? options.dropout : { p: 0, layer: 0, state: undefined };
  const flags = { weight: weight !== undefined, bias: bias !== undefined };
  const sum = engine.empty(x.shape, commonType(x, residual));
  const y = engine.empty(x.shape, sum.dtype);
  const statistics = engine.empty([shape.rows, 2]);
  const problem = { ...shape, eps, ...flags, residual: true, p, layer };
  engine.run(layerNormKernel, problem, { x, residual, state, weight, bias, y, sum, statistics });

  recordAll('residualLayerNorm', present(x, residual, weight, bias), [y, sum], {
    save: present(sum, statistics, state, weight),
    vjp: ([dy, dsum], [sum, statistics, ...others], [needsX, , ...needs], [, , ...totals]) => {
      const state = p > 0 ? others[0] : undefined;
      if (!dy) {
        // Only the sum was used; the parameters had no part in it.
        const arrived = dsum as Tensor;
        const dx = needsX && state ? dropout(arrived, p, { state, layer }) : arrived;
        const nothing = (total: Tensor | undefined) => total ?? engine.zeros([shape.columns]);
        return [dx, arrived, ...needs.map((needed, i) => (needed ? nothing(totals[i]) : undefined))];
      }
      const weight = flags.weight ? others.at(-1) : undefined;
      const dresidual = engine.empty(sum.shape, sum.dtype);
      const dx = p > 0 ? engine.empty(sum.shape, sum.dtype) : dresidual;
      const problem = { ...shape, weight: flags.weight, dsum: dsum !== undefined, p, layer };
      const buffers = { x: sum, weight, dy, dsum, statistics, state, dx: dresidual, dbranch: dx };
      engine.run(layerNormBackward, problem, buffers);
      return [dx, dresidual, ...parameterGradients(flags, sum, dy, statistics, needs, totals)];
    },
  });
  statistics.dispose();
  return { y, sum };
}

function present(...tensors: (Tensor | undefined)[]): Tensor[] {
  return tensors.filter((tensor) => tensor !== undefined);
}

function shapeOf(op: string, x: Tensor, parameters: Record<string, Tensor | undefined>) {
  const columns = x.shape[x.shape.length - 1];
  for (const [name, parameter] of Object.entries(parameters)) {
    if (parameter && parameter.shape.join() !== `${columns}`) {
      throw new ClozeError('shape', `${op} of ${x} with a ${name} of ${parameter}: it must be [${columns}]`);
    }
  }
  return { rows: x.size / columns, columns };
}

/** Of the weight and the bias, those that there are, in this order. */
function parameterGradients(
  flags: { weight: boolean; bias: boolean },
  x: Tensor,
  dy: Tensor,
  statistics: Tensor,
  needs: readonly boolean[],
  totals: readonly (Tensor | undefined)[],
): (Tensor | undefined)[] {
  if (!needs.includes(true)) return needs.map(() => undefined);
  const { engine } = x;
  const columns = x.shape[x.shape.length - 1];
  const rows = x.size / columns;
  const blocks = Math.ceil(rows / rowBlock);
  const dweight = engine.empty([blocks, columns]);
  const dbias = engine.empty([blocks, columns]);
  engine.run(layerNormParameters, { rows, columns }, { x, dy, statistics, dweight, dbias });
  const parts = present(flags.weight ? dweight : undefined, flags.bias ? dbias : undefined);
  const axes = { outer: 1, length: blocks, inner: columns };
  return parts.map((part, i) =>
    needs[i] ? sumOver(part, axes, [columns], { total: totals[i] }) : undefined,
  );
}
