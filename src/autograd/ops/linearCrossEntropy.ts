/** A linear layer and the cross-entropy of what it gives, without ever holding all the logits. */
import { ClozeError } from '../../gpu/index.ts';
import { accumulate } from '../../kernels/accumulate.ts';
import { crossEntropy as crossEntropyKernel, type LogitsGradient } from '../../kernels/crossEntropy.ts';
import { type MatmulProblem, matmul, matmulProblem } from '../../kernels/matmul.ts';
import { bytesOf } from '../../kernels/spec.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';
import {
  type CrossEntropyOptions,
  type CrossEntropyResult,
  checkLabels,
  LossParts,
  scaled,
} from './crossEntropy.ts';
import { layerOf } from './linear.ts';
import { sumOver } from './sumOver.ts';

export interface LinearCrossEntropyOptions extends CrossEntropyOptions {
  /** Rows whose logits are held at once, a multiple of 64, or of 128 in f16. Default: as many as {@link logitsAtOnce} has room for. */
  rowsAtOnce?: number;
}

/** Logits held at once, unless the fewest rows have more: 32 MiB of them, which is 256 rows of BERT's vocabulary. */
export const logitsAtOnce = 2 ** 23;

/** Rows between slices: bindings start at multiples of 256 bytes. */
const alignmentOf = ({ dtype }: Tensor) => 256 / bytesOf(dtype);

/**
 * crossEntropy(linear(hidden, weight, bias), labels): hidden [..., C], weight [V, C], bias [V], labels i32, one for each
 * row. Throws what the two throw, and `option` when `rowsAtOnce` is no multiple of 64, of 128 where hidden is in f16.
 *
 * The rows are taken in slices. The logits of a slice become their own gradient in place, and are used up for the
 * gradients of hidden, weight and bias before the next slice overwrites them: memory for all M · V logits is never
 * there, and nothing is computed twice. So the gradients are made in the forward pass, where one is recorded; backward
 * has only to scale them. The logits and all gradients are f32, so that nothing vanishes before it is scaled. After Liger Kernel's fused linear cross-entropy (Hsu et al., 2024).
 */
export function linearCrossEntropy(
  hidden: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  labels: Tensor,
  options: LinearCrossEntropyOptions = {},
): CrossEntropyResult {
  const { engine } = hidden;
  const { rows, from, to } = layerOf('linearCrossEntropy', hidden, weight, bias);
  checkLabels('linearCrossEntropy', hidden, labels, rows, options);
  const [x, w] = [engine.operand(hidden), engine.operand(weight)];
  const alignment = alignmentOf(x);
  const { ignoreIndex = -100, weights, smoothing = 0, rowsAtOnce = defaultRows(to, alignment) } = options;
  if (!(rowsAtOnce > 0 && rowsAtOnce % alignment === 0)) {
    throw new ClozeError('option', `rowsAtOnce is ${rowsAtOnce}`, `Use a multiple of ${alignment}`);
  }

  const inputs = bias ? [hidden, weight, bias] : [hidden, weight];
  const wants = inputs.map((input) => engine.tape.recording && input.requiresGrad);
  const gradient: LogitsGradient = wants.includes(true) ? 'in-place' : 'none';
  // Rows of logits start at multiples of four whatever the vocabulary, for the sake of vec4.
  const pitch = 4 * Math.ceil(to / 4);
  const [dhidden, dweight] = [hidden, weight].map(({ shape }, i) =>
    wants[i] ? engine.empty(shape) : undefined,
  );
  const parts = new LossParts(engine, labels, rows, options);

  const product = (
    sizes: { m: number; n: number; k: number },
    options: Partial<MatmulProblem>,
    operands: Record<string, Tensor | undefined>,
  ) => engine.run(matmul, matmulProblem(sizes, options), operands);

  const problem = (rows: number) => ({
    rows,
    columns: to,
    pitch,
    ignoreIndex,
    weighted: weights !== undefined,
    gradient,
    ...(smoothing > 0 && { smoothing }),
  });

  /** Returns the sums of the logits' gradient over the slice, which are its share of the bias's. */
  const slice = (first: number, count: number) => {
    const h = rowsOf(x, first, [count, from]);
    const logits = engine.empty([count, pitch]);
    const forward = { transposeB: true, bias: bias !== undefined, ldc: pitch };
    product({ m: count, n: to, k: from }, forward, { a: h, b: w, bias, c: logits });
    engine.run(crossEntropyKernel, problem(count), {
      [gradient === 'none' ? 'logits' : 'dlogits']: logits,
      labels: rowsOf(labels, first, [count]),
      weights: weights && rowsOf(weights, first, [count]),
      normalizer: gradient === 'none' ? undefined : parts.normalizer,
      loss: rowsOf(parts.losses, first, [count]),
      correct: rowsOf(parts.correct, first, [count]),
    });
    if (dhidden) {
      const c = rowsOf(dhidden, first, [count, from]);
      product({ m: count, n: from, k: to }, { lda: pitch }, { a: logits, b: w, c });
    }
    if (dweight) {
      const added = { transposeA: true, lda: pitch, accumulate: first > 0 };
      product({ m: to, n: from, k: count }, added, { a: logits, b: h, c: dweight });
    }
    return wants[2] ? sumOver(logits, { outer: 1, length: count, inner: pitch }, [pitch]) : undefined;
  };

  let dbias: Tensor | undefined;
  for (let first = 0; first < rows; first += rowsAtOnce) {
    const sums = engine.scope(() => slice(first, Math.min(rowsAtOnce, rows - first)), 'slice');
    if (dbias && sums) {
      engine.run(accumulate, { count: pitch }, { source: sums, destination: dbias });
      sums.dispose();
    } else {
      dbias = sums;
    }
  }

  const result = parts.total();
  const made = [dhidden, dweight, dbias && rowsOf(dbias, 0, [to])];
  const save = made.filter((tensor) => tensor !== undefined);
  record('linearCrossEntropy', inputs, result.loss, {
    save,
    vjp: (gradient, saved, needs) => {
      const rest = [...saved];
      return needs.map((need) => (need ? scaled(rest.shift() as Tensor, gradient) : undefined));
    },
  });
  for (const tensor of [...save, dbias]) tensor?.dispose();
  return result;
}

/** As many rows as {@link logitsAtOnce} has room for, in whole alignments. */
function defaultRows(columns: number, alignment: number): number {
  return alignment * Math.max(1, Math.floor(logitsAtOnce / columns / alignment));
}

/** Part of a tensor from its row `first` on. */
function rowsOf(x: Tensor, first: number, shape: Shape): Tensor {
  const width = shape.slice(1).reduce((product, axis) => product * axis, 1);
  return x.engine.share(x.storage, shape, x.dtype, x.view.offset + bytesOf(x.dtype) * first * width);
}
