/** What a matrix product is asked to do, and the products of attention over heads that stand side by side. */

export interface MatmulProblem {
  m: number;
  n: number;
  k: number;
  batch0: number;
  batch1: number;
  transposeA: boolean;
  transposeB: boolean;
  lda: number;
  ldb: number;
  ldc: number;
  strideA0: number;
  strideA1: number;
  strideB0: number;
  strideB1: number;
  strideC0: number;
  strideC1: number;
  alpha: number;
  bias: boolean;
  activation: 'none' | 'gelu' | 'gelu_tanh';
  pre: boolean;
  accumulate: boolean;
}

/** A problem from its sizes. What is not given is that of dense matrices, one after the other. */
export function matmulProblem(
  sizes: { m: number; n: number; k: number },
  options: Partial<MatmulProblem> = {},
): MatmulProblem {
  const { m, n, k } = sizes;
  const { batch1 = 1, transposeA = false, transposeB = false } = options;
  return {
    m,
    n,
    k,
    batch0: 1,
    batch1,
    transposeA,
    transposeB,
    lda: transposeA ? m : k,
    ldb: transposeB ? k : n,
    ldc: n,
    strideA0: batch1 * m * k,
    strideA1: m * k,
    strideB0: batch1 * k * n,
    strideB1: k * n,
    strideC0: batch1 * m * n,
    strideC1: m * n,
    alpha: 1,
    bias: false,
    activation: 'none',
    pre: false,
    accumulate: false,
    ...options,
  };
}

/**
 * Sizes of the products within attention. Queries, keys, values and context are [batch, tokens, heads · depth]: the heads
 * stand side by side in a row, and strides reach them where they are. Probabilities are [batch, heads, rows, columns],
 * rows counting queries and columns keys.
 */
export interface HeadsSizes {
  batch: number;
  heads: number;
  rows: number;
  columns: number;
  depth: number;
  alpha?: number;
}

/** Strides over (batch, head) of a tensor [batch, tokens, heads · depth], and of [batch, heads, rows, columns]. */
const strides = ({ heads, depth, rows, columns }: HeadsSizes) => ({
  ofQueries: [rows * heads * depth, depth],
  ofKeys: [columns * heads * depth, depth],
  ofScores: [heads * rows * columns, rows * columns],
  width: heads * depth,
});

/**
 * scores[i, j] = alpha · q[i] · k[j]: a is q, b is k. Also the gradient of the probabilities: a is the gradient of the
 * context, b is v.
 */
export function scoresProblem(sizes: HeadsSizes): MatmulProblem {
  const { batch, heads, rows, columns, depth, alpha = 1 } = sizes;
  const { ofQueries, ofKeys, ofScores, width } = strides(sizes);
  return matmulProblem(
    { m: rows, n: columns, k: depth },
    {
      batch0: batch,
      batch1: heads,
      alpha,
      transposeB: true,
      lda: width,
      ldb: width,
      strideA0: ofQueries[0],
      strideA1: ofQueries[1],
      strideB0: ofKeys[0],
      strideB1: ofKeys[1],
      strideC0: ofScores[0],
      strideC1: ofScores[1],
    },
  );
}

/**
 * context[i] = alpha · Σ_j p[i, j] v[j]: a is p, b is v. Also the gradient of the queries: a is the gradient of the
 * scores, b is k.
 */
export function weightedSumProblem(sizes: HeadsSizes): MatmulProblem {
  const { batch, heads, rows, columns, depth, alpha = 1 } = sizes;
  const { ofQueries, ofKeys, ofScores, width } = strides(sizes);
  return matmulProblem(
    { m: rows, n: depth, k: columns },
    {
      batch0: batch,
      batch1: heads,
      alpha,
      ldb: width,
      ldc: width,
      strideA0: ofScores[0],
      strideA1: ofScores[1],
      strideB0: ofKeys[0],
      strideB1: ofKeys[1],
      strideC0: ofQueries[0],
      strideC1: ofQueries[1],
    },
  );
}

/**
 * y[j] = alpha · Σ_i p[i, j] x[i]. The gradient of the values: a is p, b the gradient of the context; and of the keys:
 * a is the gradient of the scores, b is q.
 */
export function weightedSumTransposedProblem(sizes: HeadsSizes): MatmulProblem {
  const { batch, heads, rows, columns, depth, alpha = 1 } = sizes;
  const { ofQueries, ofKeys, ofScores, width } = strides(sizes);
  return matmulProblem(
    { m: columns, n: depth, k: rows },
    {
      batch0: batch,
      batch1: heads,
      alpha,
      transposeA: true,
      ldb: width,
      ldc: width,
      strideA0: ofScores[0],
      strideA1: ofScores[1],
      strideB0: ofQueries[0],
      strideB1: ofQueries[1],
      strideC0: ofKeys[0],
      strideC1: ofKeys[1],
    },
  );
}
