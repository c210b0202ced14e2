/** The matrix product over batches of any shape. */
import { ClozeError } from '../../gpu/index.ts';
import { matmul as matmulKernel, matmulProblem } from '../../kernels/matmul.ts';
import { checkFloat, commonType } from '../shape.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { expand } from './permute.ts';
import { sumOver } from './sumOver.ts';

export interface MatmulOptions {
  /** a is stored with its last two axes swapped. */
  transposeA?: boolean;
  /** b is stored with its last two axes swapped. */
  transposeB?: boolean;
}

/**
 * a b: [..., m, k] × [..., k, n] → [..., m, n]; the leading axes broadcast as NumPy's. Throws `shape` when inner sizes or
 * leading axes do not fit.
 *
 * Gradients: da = dy bᵀ and db = aᵀ dy, summed over the axes along which the operand was repeated.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false } = options;
  checkFloat('matmul', a, b);
  const shapes = shapesOf(a, b, transposeA, transposeB);
  // The kernel strides over two batch axes; operands that broadcast in a more tangled way are repeated first.
  if (shapes.tangled) {
    const whole = (x: Tensor) => expand(x, [...shapes.output.slice(0, -2), ...x.shape.slice(-2)]);
    return matmul(whole(a), whole(b), options);
  }
  const { m, n, k, batch, inA, inB } = shapes;
  const { engine } = a;
  const [x, z] = [engine.operand(a), engine.operand(b)];
  const y = multiply(
    { tensor: x, transposed: transposeA, has: inA },
    { tensor: z, transposed: transposeB, has: inB },
    { m, n, k, batch },
    shapes.output,
  );
  return record('matmul', [a, b], y, {
    save: [x, z],
    vjp: (grad, [a, b], needs) => {
      // A transposed operand wants its gradient transposed: (dy bᵀ)ᵀ = b dyᵀ and (aᵀ dy)ᵀ = dyᵀ a.
      const dy = (transposed: boolean) => ({ tensor: grad, transposed, has: both });
      const ofA = (transposed: boolean) => ({ tensor: a, transposed, has: inA });
      const ofB = (transposed: boolean) => ({ tensor: b, transposed, has: inB });
      const gradientA = () =>
        transposeA
          ? multiply(ofB(transposeB), dy(true), { m: k, n: m, k: n, batch }, [...batch, k, m])
          : multiply(dy(false), ofB(!transposeB), { m, n: k, k: n, batch }, [...batch, m, k]);
      const gradientB = () =>
        transposeB
          ? multiply(dy(true), ofA(transposeA), { m: n, n: k, k: m, batch }, [...batch, n, k])
          : multiply(ofA(!transposeA), dy(false), { m: k, n, k: m, batch }, [...batch, k, n]);
      return [
        needs[0] ? sumRepeated(gradientA(), inA, a.shape) : undefined,
        needs[1] ? sumRepeated(gradientB(), inB, b.shape) : undefined,
      ];
    },
  });
}

/** Whether an operand has each of the two batch axes, or one matrix for all of it. */
type Has = readonly [boolean, boolean];
type Batch = readonly [number, number];

const both: Has = [true, true];

interface Operand {
  tensor: Tensor;
  transposed: boolean;
  has: Has;
}

function multiply(
  x: Operand,
  y: Operand,
  sizes: { m: number; n: number; k: number; batch: Batch },
  shape: Shape,
): Tensor {
  const { m, n, k, batch } = sizes;
  const [strideA0, strideA1] = strides(x.has, batch, m * k);
  const [strideB0, strideB1] = strides(y.has, batch, k * n);
  const problem = matmulProblem(
    { m, n, k },
    {
      batch0: batch[0],
      batch1: batch[1],
      transposeA: x.transposed,
      transposeB: y.transposed,
      strideA0,
      strideA1,
      strideB0,
      strideB1,
    },
  );
  const { engine } = x.tensor;
  const c = engine.empty(shape, commonType(x.tensor, y.tensor));
  engine.run(matmulKernel, problem, { a: x.tensor, b: y.tensor, c });
  return c;
}

function strides(has: Has, batch: Batch, matrix: number): [number, number] {
  const inner = has[1] ? matrix : 0;
  return [has[0] ? (has[1] ? batch[1] * matrix : matrix) : 0, inner];
}

/** Adds up the gradient [batch0, batch1, ...] over the axes that the operand does not have. */
function sumRepeated(gradient: Tensor, has: Has, shape: Shape): Tensor {
  const [batch0, batch1, rows, columns] = gradient.shape;
  const matrix = rows * columns;
  let sum = gradient;
  if (!has[1] && batch1 > 1) {
    sum = sumOver(sum, { outer: batch0, length: batch1, inner: matrix }, [batch0, 1, rows, columns]);
  }
  if (!has[0] && batch0 > 1) {
    const inner = sum.size / batch0;
    sum = sumOver(sum, { outer: 1, length: batch0, inner }, [1, inner]);
  }
  return sum.engine.share(sum.storage, shape, sum.dtype, sum.view.offset);
}

interface Shapes {
  m: number;
  n: number;
  k: number;
  batch: Batch;
  inA: Has;
  inB: Has;
  output: Shape;
  /** Axes that a, b or both have alternate too often for two batch axes. */
  tangled: boolean;
}

/** Sizes of the product, its leading axes merged into two where they can be. */
function shapesOf(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Shapes {
  const refuse = (why: string, remedy?: string): never => {
    const marks = [transposeA ? ' transposed' : '', transposeB ? ' transposed' : ''];
    throw new ClozeError(
      'shape',
      `matmul of [${a.shape}]${marks[0]} and [${b.shape}]${marks[1]}: ${why}`,
      remedy,
    );
  };
  if (a.shape.length < 2 || b.shape.length < 2) refuse('both need two axes', 'Reshape a vector to a matrix');
  const [rowsA, columnsA] = a.shape.slice(-2);
  const [rowsB, columnsB] = b.shape.slice(-2);
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== inner) refuse(`the inner sizes are ${k} and ${inner}`);

  const rank = Math.max(a.shape.length, b.shape.length) - 2;
  const padded = ({ shape }: Tensor) => [...Array(rank + 2 - shape.length).fill(1), ...shape.slice(0, -2)];
  const [leadA, leadB] = [padded(a), padded(b)];
  const lead = leadA.map((size, i) => (size === 1 ? leadB[i] : size));
  if (lead.some((size, i) => leadB[i] !== 1 && leadB[i] !== size))
    refuse('the leading axes do not broadcast');
  const output = [...lead, m, n];

  // With one b for all, the matrices of a are one tall matrix.
  if (!transposeA && leadB.every((size) => size === 1)) {
    const tall = lead.reduce((product, size) => product * size, m);
    return { m: tall, n, k, batch: [1, 1], inA: both, inB: both, output, tangled: false };
  }
  const runs: { size: number; inA: boolean; inB: boolean }[] = [];
  lead.forEach((size, i) => {
    if (size === 1) return;
    const [inA, inB] = [leadA[i] === size, leadB[i] === size];
    const last = runs.at(-1);
    if (last && last.inA === inA && last.inB === inB) last.size *= size;
    else runs.push({ size, inA, inB });
  });
  const tangled = runs.length > 2;
  while (runs.length < 2) runs.unshift({ size: 1, inA: true, inB: true });
  const [first, second] = runs;
  return {
    m,
    n,
    k,
    batch: [first.size, second.size],
    inA: [first.inA, second.inA],
    inB: [first.inB, second.inB],
    output,
    tangled,
  };
}
