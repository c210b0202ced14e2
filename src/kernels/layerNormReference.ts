/** Layer normalisation in float64, and the rows on which its kernels are tried. */
import type { RowShape } from './rows.ts';
import type { NumberArray } from './spec.ts';

export const shapes: readonly RowShape[] = [
  { rows: 1, columns: 1 },
  { rows: 3, columns: 7 },
  { rows: 65, columns: 33 },
  { rows: 66, columns: 260 },
  { rows: 3, columns: 4097 },
  { rows: 4, columns: 4097 },
  { rows: 5, columns: 4100 },
  { rows: 65_537, columns: 4 },
];

/** Standard normal numbers, or a spread of 10⁻⁶, or the finest spread that 100 leaves room for; by number of rows. */
export function spreads({ rows, columns }: RowShape, random: { normal(): number }): Float32Array {
  const [centre, spread] = [
    [0, 1],
    [0, 1e-6],
    [100, 1e-5],
  ][rows % 3];
  return Float32Array.from({ length: rows * columns }, () => centre + spread * random.normal());
}

/** Per row: the mean less the row's first number, and 1 / √(variance + eps) with the biased variance. */
export function statisticsOf({ rows, columns }: RowShape, x: NumberArray, eps: number): Float64Array {
  const statistics = new Float64Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let sum = 0;
    for (let c = 0; c < columns; c++) sum += x[start + c] - x[start];
    const offset = sum / columns;
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += (x[start + c] - x[start] - offset) ** 2;
    statistics[2 * row] = offset;
    statistics[2 * row + 1] = 1 / Math.sqrt(squares / columns + eps);
  }
  return statistics;
}

/** (x − mean) rstd. */
export function normalized({ columns }: RowShape, x: NumberArray, statistics: NumberArray): Float64Array {
  return Float64Array.from(x, (value, i) => {
    const row = Math.floor(i / columns);
    return (value - x[row * columns] - statistics[2 * row]) * statistics[2 * row + 1];
  });
}

/** x with the statistics that the forward pass would have saved. */
export function backwardInputs(shape: RowShape, random: { normal(): number }) {
  const x = spreads(shape, random);
  return { x, statistics: Float32Array.from(statisticsOf(shape, x, 1e-12)) };
}
