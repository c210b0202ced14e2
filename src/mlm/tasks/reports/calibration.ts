/**
 * Whether a classifier is right as often as it says: the expected calibration error over bins of confidence, and the temperature
 * that lowers it (Guo et al., "On Calibration of Modern Neural Networks", 2017).
 */

/** The answers whose confidence is above `from`, up to `to`. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  /** Means over the bin; 0 where it is empty. */
  confidence: number;
  accuracy: number;
}

export interface Calibration {
  /** Σ share of the bin · |accuracy − confidence|. */
  ece: number;
  /** Mean −ln p of the truth. */
  nll: number;
  /** Mean Σ (p − 1 of the truth)² over the classes (Brier, 1950). */
  brier: number;
  accuracy: number;
  confidence: number;
  bins: ReliabilityBin[];
}

/** What a classifier says of an example, by class, and which class is right. */
export interface Judged {
  probabilities: ArrayLike<number>;
  truth: number;
}

/** The least that a probability in f32 is taken to be: logarithms of 0 have no temperature. */
const least = 1e-38;

/** Bins of equal width. */
export function calibrationOf(judged: readonly Judged[], bins = 10): Calibration {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }));
  const total = { nll: 0, brier: 0, hits: 0, confidence: 0 };
  for (const { probabilities, truth } of judged) {
    const best = likeliest(probabilities);
    const confidence = probabilities[best];
    const hit = best === truth ? 1 : 0;
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    bin.count++;
    bin.confidence += confidence;
    bin.hits += hit;
    total.confidence += confidence;
    total.hits += hit;
    total.nll -= Math.log(Math.max(probabilities[truth], least));
    for (let k = 0; k < probabilities.length; k++) {
      total.brier += (probabilities[k] - (k === truth ? 1 : 0)) ** 2;
    }
  }
  const n = judged.length;
  return {
    ece: sums.reduce((sum, { confidence, hits }) => sum + Math.abs(hits - confidence), 0) / n,
    nll: total.nll / n,
    brier: total.brier / n,
    accuracy: total.hits / n,
    confidence: total.confidence / n,
    bins: sums.map(({ count, confidence, hits }, i) => ({
      from: i / bins,
      to: (i + 1) / bins,
      count,
      confidence: count === 0 ? 0 : confidence / count,
      accuracy: count === 0 ? 0 : hits / count,
    })),
  };
}

/** softmax(ln p / temperature). Above 1 it makes answers less certain; which one is likeliest does not change. */
export function atTemperature(probabilities: ArrayLike<number>, temperature: number): Float64Array {
  const scaled = Float64Array.from(probabilities, (p) => Math.log(Math.max(p, least)) / temperature);
  const largest = scaled.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const powers = scaled.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

/** The temperature between 0.05 and 20 at which the truth is likeliest. The loss has one minimum, which golden sections find. */
export function fitTemperature(judged: readonly Judged[]): number {
  const loss = (log: number) =>
    judged.reduce((sum, { probabilities, truth }) => {
      return sum - Math.log(Math.max(atTemperature(probabilities, Math.exp(log))[truth], least));
    }, 0);
  const section = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(0.05), Math.log(20)];
  let [a, b] = [high - section * (high - low), low + section * (high - low)];
  let [lossA, lossB] = [loss(a), loss(b)];
  while (high - low > 1e-4) {
    if (lossA <= lossB) {
      [high, b, lossB] = [b, a, lossA];
      a = high - section * (high - low);
      lossA = loss(a);
    } else {
      [low, a, lossA] = [a, b, lossB];
      b = low + section * (high - low);
      lossB = loss(b);
    }
  }
  return Math.exp((low + high) / 2);
}

export interface CalibrationReport {
  asItIs: Calibration;
  /** Each half of the examples at the temperature that suits the other half, so that no example scores its own temperature. */
  scaled: Calibration;
  /** That of all examples. */
  temperature: number;
}

export function reportCalibration(judged: readonly Judged[], bins?: number): CalibrationReport {
  const half = (parity: number) => judged.filter((_, i) => i % 2 === parity);
  const scaled = [0, 1].flatMap((parity) => {
    const others = half(1 - parity);
    const temperature = others.length === 0 ? 1 : fitTemperature(others);
    return half(parity).map(({ probabilities, truth }) => ({
      probabilities: atTemperature(probabilities, temperature),
      truth,
    }));
  });
  return {
    asItIs: calibrationOf(judged, bins),
    scaled: calibrationOf(scaled, bins),
    temperature: fitTemperature(judged),
  };
}

function likeliest(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < probabilities.length; k++) if (probabilities[k] > probabilities[best]) best = k;
  return best;
}
