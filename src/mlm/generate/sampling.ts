/** From logits to a token: temperature, the k likeliest, the likeliest that together have a probability of p. */
import type { Random } from '../../kernels/random.ts';

export interface SamplingOptions {
  /** Logits are divided by it; 0 takes the likeliest token. Default 1. */
  temperature?: number;
  /** Only the k likeliest tokens. Default: all. */
  topK?: number;
  /**
   * Only the fewest likeliest tokens that together have a probability of at least p (Holtzman et al., "The Curious Case of Neural
   * Text Degeneration", 2020). Default 1.
   */
  topP?: number;
  /** Ids that are never drawn. */
  forbidden?: ReadonlySet<number>;
}

/** Tokens that may be drawn, likeliest first, with their probabilities, which add up to 1. */
export function candidates(logits: ArrayLike<number>, options: SamplingOptions): [number, number][] {
  const { temperature = 1, topK = logits.length, topP = 1, forbidden } = options;
  const order: number[] = [];
  for (let id = 0; id < logits.length; id++) if (!forbidden?.has(id)) order.push(id);
  order.sort((a, b) => logits[b] - logits[a] || a - b);
  const kept = order.slice(0, temperature === 0 ? 1 : Math.max(1, topK));
  const top = logits[kept[0]];
  const weights = kept.map((id) => (temperature === 0 ? 1 : Math.exp((logits[id] - top) / temperature)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let count = 0;
  let reached = 0;
  while (count < kept.length && (count === 0 || reached < topP * all)) reached += weights[count++];
  return kept.slice(0, count).map((id, i) => [id, weights[i] / reached]);
}

/** Draws a token. */
export function sample(
  logits: ArrayLike<number>,
  options: SamplingOptions,
  random: Random,
): { token: number; probability: number } {
  const all = candidates(logits, options);
  let u = random.uniform();
  for (const [token, probability] of all) {
    u -= probability;
    if (u < 0) return { token, probability };
  }
  const [token, probability] = all[all.length - 1];
  return { token, probability };
}

/** ln softmax of logits; forbidden ids get −∞. */
export function logProbabilities(logits: ArrayLike<number>, forbidden?: ReadonlySet<number>): Float64Array {
  const values = Float64Array.from(logits, (value, id) =>
    forbidden?.has(id) ? Number.NEGATIVE_INFINITY : value,
  );
  const top = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  const total = Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0)) + top;
  return values.map((value) => value - total);
}
