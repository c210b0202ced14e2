/** The Gaussian error linear unit and its slope in float64: references for the kernels that use `shaders/gelu.ts`. */

/** Φ(x) of the normal distribution, by the series 1/2 + φ(x) Σ x^(2n+1) / (2n+1)!! (Abramowitz and Stegun, 26.2.11). */
function normalDistribution(x: number): number {
  if (Math.abs(x) > 9) return x > 0 ? 1 : 0;
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + normalDensity(x) * sum;
}

function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
}

function geluInner(x: number): number {
  return Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
}

/** x Φ(x). */
export function gelu(x: number): number {
  return x * normalDistribution(x);
}

export function geluSlope(x: number): number {
  return normalDistribution(x) + x * normalDensity(x);
}

/** The approximation by tanh. */
export function geluTanh(x: number): number {
  return 0.5 * x * (1 + geluInner(x));
}

export function geluTanhSlope(x: number): number {
  const t = geluInner(x);
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
}
