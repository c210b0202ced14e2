/**
 * The orthogonalisation within Muon: a matrix U S Vᵀ goes to about U Vᵀ, by an odd polynomial of it that sends all
 * singular values near to 1 (between about 0.7 and 1.2; they need not be equal).
 */
import type { Tensor } from '../autograd/index.ts';
import { matmul, matmulProblem } from '../kernels/matmul.ts';
import { matrixNormalize, scaleAddIdentity } from '../kernels/muon.ts';
import { sum, sumSquares, sumSquaresPartials } from '../kernels/reduce.ts';

/** Matrices of one shape in flat memory, which begin `stride` elements apart. */
export interface Matrices {
  count: number;
  rows: number;
  columns: number;
  stride: number;
}

/** The quintic of Jordan et al. (2024), steepest at 0 among those that still bring [0, 1] near to 1 in five steps. */
export const newtonSchulzCoefficients = [3.4445, -4.775, 2.0315] as const;

const steps = 5;

/**
 * Orthogonalises all matrices at once, in flat memory laid out as `x`. `x`: [count · stride], zeros between the
 * matrices; it serves as working memory, and its content is lost.
 *
 * With the smaller of the Gram matrices G, of X Xᵀ and Xᵀ X, a step is X ← (a I + b G + c G²) X, or the polynomial
 * from the right, which is what a tall matrix would get if it were transposed first.
 */
export function newtonSchulz(x: Tensor, matrices: Matrices): Tensor {
  const { engine } = x;
  const { count, rows, columns, stride } = matrices;
  const wide = rows <= columns;
  const size = Math.min(rows, columns);
  const [a, b, c] = newtonSchulzCoefficients;
  const strides = { batch0: count, strideA0: size * size, strideB0: stride, strideC0: stride };
  const ofGram = matmulProblem(
    { m: size, n: size, k: Math.max(rows, columns) },
    { batch0: count, transposeA: !wide, transposeB: wide, strideA0: stride, strideB0: stride },
  );
  const ofSquare = matmulProblem(
    { m: size, n: size, k: size },
    { batch0: count, alpha: c, accumulate: true },
  );
  const ofProduct = matmulProblem(
    { m: rows, n: columns, k: size },
    wide ? strides : { ...strides, strideA0: stride, strideB0: size * size },
  );
  return engine.scope(() => {
    normalize(x, matrices);
    const gram = engine.empty([count * size * size]);
    const polynomial = engine.empty([count * size * size]);
    let [from, to] = [x, engine.zeros(x.shape)];
    for (let step = 0; step < steps; step++) {
      engine.run(matmul, ofGram, { a: from, b: from, c: gram });
      engine.run(scaleAddIdentity, { batch: count, size, a, b }, { x: gram, y: polynomial });
      engine.run(matmul, ofSquare, { a: gram, b: gram, c: polynomial });
      const [left, right] = wide ? [polynomial, from] : [from, polynomial];
      engine.run(matmul, ofProduct, { a: left, b: right, c: to });
      [from, to] = [to, from];
    }
    return from;
  });
}

/** Divides each matrix by its Frobenius norm, which no singular value exceeds. */
function normalize(x: Tensor, { count, stride }: Matrices): void {
  const { engine } = x;
  const length = sumSquaresPartials(stride);
  const partials = engine.empty([count * length]);
  const squares = engine.empty([count]);
  engine.run(sumSquares, { rows: count, count: stride }, { x, partials });
  const rows = { outer: count, length, inner: 1, parts: 1, scale: 1, accumulate: false };
  engine.run(sum, rows, { x: partials, y: squares });
  engine.run(matrixNormalize, { count: count * stride, stride }, { squares, x });
}
