/** Pearson's chi-square test, and digests of what was drawn. */

/** The probability that chance alone makes counts differ at least so much from their expected shares. */
export function pValue(observed: readonly number[], shares: readonly number[]): number {
  const total = observed.reduce((sum, count) => sum + count, 0);
  const statistic = observed.reduce(
    (sum, count, i) => sum + (count - total * shares[i]) ** 2 / (total * shares[i]),
    0,
  );
  return upperGamma((observed.length - 1) / 2, statistic / 2);
}

/** The regularised upper incomplete gamma function Q(a, x): by its series, or its continued fraction (Lentz). */
function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; term > sum * 1e-15; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < 1000; n++) {
    b += 2;
    d = 1 / (n * (a - n) * d + b);
    c = b + (n * (a - n)) / c;
    h *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * h;
}

/** ln Γ(a) by Stirling's series, from 10 on; below by recursion. */
function logGamma(a: number): number {
  if (a < 10) return logGamma(a + 1) - Math.log(a);
  return (a - 0.5) * Math.log(a) - a + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * a) - 1 / (360 * a ** 3);
}

/** FNV-1a over whole numbers: equal for equal sequences. */
export class Digest {
  value = 0x811c9dc5;

  add(numbers: ArrayLike<number>): void {
    for (let i = 0; i < numbers.length; i++) {
      for (let shift = 0; shift < 32; shift += 8) {
        this.value = Math.imul(this.value ^ ((numbers[i] >>> shift) & 255), 0x01000193) >>> 0;
      }
    }
  }
}
