/** Muon's orthogonalisation in float64, written as its authors state it, and the singular values to judge it by. */

/** Rows of numbers. */
export type Matrix = readonly (readonly number[])[];

export const matrix = (values: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: values.length / columns }, (_, row) =>
    Array.from({ length: columns }, (_, column) => values[row * columns + column]),
  );

const transpose = (x: Matrix): Matrix => x[0].map((_, column) => x.map((row) => row[column]));
const dot = (x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, value, i) => sum + value * y[i], 0);
const multiply = (x: Matrix, y: Matrix): Matrix => {
  const columns = transpose(y);
  return x.map((row) => columns.map((column) => dot(row, column)));
};
const combine = (a: number, x: Matrix, b: number, y: Matrix): Matrix =>
  x.map((row, i) => row.map((value, j) => a * value + b * y[i][j]));

/** Five steps of X ← aX + (bA + cA²)X with A = XXᵀ, from X over its Frobenius norm; a tall X is transposed for them. */
export function newtonSchulz64(x: Matrix): Matrix {
  if (x.length > x[0].length) return transpose(newtonSchulz64(transpose(x)));
  const norm = Math.sqrt(x.reduce((sum, row) => sum + dot(row, row), 0)) + 1e-7;
  let y: Matrix = x.map((row) => row.map((value) => value / norm));
  for (let step = 0; step < 5; step++) {
    const gram = multiply(y, transpose(y));
    const polynomial = combine(-4.775, gram, 2.0315, multiply(gram, gram));
    y = combine(3.4445, y, 1, multiply(polynomial, y));
  }
  return y;
}

/** One-sided Jacobi rotations: columns are turned until they are orthogonal; their lengths are the singular values. */
export function singularValues(x: Matrix): number[] {
  const columns = (x.length < x[0].length ? x : transpose(x)).map((column) => [...column]);
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < columns.length; p++) {
      for (let q = p + 1; q < columns.length; q++) {
        const across = dot(columns[p], columns[q]);
        if (across === 0) continue;
        const zeta = (dot(columns[q], columns[q]) - dot(columns[p], columns[p])) / (2 * across);
        const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, tangent);
        const [u, v] = [columns[p], columns[q]];
        columns[p] = u.map((value, i) => cosine * (value - tangent * v[i]));
        columns[q] = v.map((value, i) => cosine * (value + tangent * u[i]));
      }
    }
  }
  return columns.map((column) => Math.sqrt(dot(column, column)));
}
