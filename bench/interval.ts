/** What differences between pairs say of their mean. */

export interface Interval {
  mean: number;
  low: number;
  high: number;
}

/** Student's t that is passed with 2.5 %, by degrees of freedom from 1 on; from the thirtieth on, that of the normal and a little more. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;

/** The mean and its interval of 95 % by Student's t ("The Probable Error of a Mean", 1908); NaN around the mean of one value. */
export function interval(values: readonly number[]): Interval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const reach =
    n > 1 ? quantiles[Math.min(n - 1, quantiles.length) - 1] * Math.sqrt(variance / n) : Number.NaN;
  return { mean, low: mean - reach, high: mean + reach };
}
