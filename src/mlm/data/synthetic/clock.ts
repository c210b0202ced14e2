/**
 * The noisy clock: a stationary Markov chain on a circle of 16 symbols. The hand goes one forward with probability
 * 0.7, three forward with 0.2, and anywhere with 0.1. Context helps on both sides and fades with distance.
 *
 * A move does not depend on where the hand is, so a move of n steps is described by one vector, the n-th circular
 * convolution of the single step with itself.
 */

import { Random } from '../../../kernels/random.ts';
import { streams } from '../streams.ts';
import type { SyntheticLanguage } from './language.ts';

const alphabet = 'abcdefghijklmnop';
const size = alphabet.length;

/** P(next = x + d), for every distance d around the circle. */
const step: Float64Array = Float64Array.from(
  { length: size },
  (_, d) => 0.1 / size + (d === 1 ? 0.7 : d === 3 ? 0.2 : 0),
);

const uniform: Float64Array = new Float64Array(size).fill(1 / size);

/** Entropy of the next symbol given all before it, in nats: 1.0153. */
export const clockEntropyRate = -step.reduce((sum, p) => sum + p * Math.log(p), 0);

/** The distribution of x + move when x has the distribution `from`. */
function advance(from: Float64Array, move: Float64Array): Float64Array {
  const to = new Float64Array(size);
  for (let x = 0; x < size; x++) {
    for (let d = 0; d < size; d++) to[(x + d) % size] += from[x] * move[d];
  }
  return to;
}

const backwards = step.map((_, d) => step[(size - d) % size]);

function certain(symbol: number): Float64Array {
  const p = new Float64Array(size);
  p[symbol] = 1;
  return p;
}

/** The forward–backward algorithm (Baum et al. 1970); a visible symbol is certain, a masked one unobserved. */
function posteriors(symbols: ArrayLike<number>, masked: ArrayLike<number>): Float64Array[] {
  const hidden = new Set(Array.from(masked));
  const pass = (order: readonly number[], move: Float64Array): Float64Array[] => {
    const messages: Float64Array[] = [];
    let message = uniform;
    for (const i of order) {
      messages[i] = message;
      message = advance(hidden.has(i) ? message : certain(symbols[i]), move);
    }
    return messages;
  };
  const order = Array.from(symbols, (_, i) => i);
  const before = pass(order, step);
  const after = pass(order.reverse(), backwards);
  return Array.from(masked, (i) => {
    const product = before[i].map((p, x) => p * after[i][x]);
    const total = product.reduce((sum, p) => sum + p, 0);
    return product.map((p) => p / total);
  });
}

/**
 * Beyond this distance a visible symbol says nothing: the chain forgets by a factor of 0.853 a step, and what is
 * left of an entropy shrinks with its square.
 */
const horizon = 96;

interface Gap {
  entropy: number;
  hit: number;
}

/**
 * For a position whose nearest visible neighbours are a before and b after it: the entropy of the symbol and the
 * probability that its best guess is right. Those two neighbours are a Markov blanket, nothing else matters.
 */
function gap(past: Float64Array, future: Float64Array): Gap {
  const both = advance(past, future);
  const result = { entropy: 0, hit: 0 };
  for (let d = 0; d < size; d++) {
    let best = 0;
    for (let x = 0; x < size; x++) {
      const joint = past[x] * future[(d - x + size) % size];
      result.entropy -= joint * Math.log(joint / both[d]);
      best = Math.max(best, joint);
    }
    result.hit += best;
  }
  return result;
}

let table: Gap[][] | undefined;

function gaps(): Gap[][] {
  if (!table) {
    const powers = [step];
    while (powers.length < horizon) powers.push(advance(powers[powers.length - 1], step));
    table = powers.map((past, a) => powers.slice(0, a + 1).map((future) => gap(past, future)));
  }
  return table;
}

/** Σ (1−r)² r^(a+b−2) f(a, b) over distances a, b ≥ 1: the mean of f when each symbol is hidden with probability r. */
function average(rate: number, f: (gap: Gap) => number): number {
  const weights = Array.from({ length: horizon }, (_, a) => (1 - rate) * rate ** a);
  weights[horizon - 1] = rate ** (horizon - 1);
  let sum = 0;
  gaps().forEach((row, a) => {
    row.forEach((entry, b) => {
      sum += (a === b ? 1 : 2) * weights[a] * weights[b] * f(entry);
    });
  });
  return sum;
}

/** The language with documents of `length` symbols. Its floors are those of an endless document. */
export function clock({ length = 64 }: { length?: number } = {}): SyntheticLanguage {
  const document = (seed: number, index: number): string => {
    const random = new Random(seed, streams.clock, index);
    let x = random.below(size);
    let text = alphabet[x];
    while (text.length < length) {
      const u = random.uniform();
      x = u < 0.7 ? (x + 1) % size : u < 0.9 ? (x + 3) % size : random.below(size);
      text += alphabet[x];
    }
    return text;
  };
  return {
    name: 'clock',
    alphabet,
    length,
    documents: ({ count, seed }) => Array.from({ length: count }, (_, index) => document(seed, index)),
    floor: (rate) => average(rate, (entry) => entry.entropy),
    accuracy: (rate) => average(rate, (entry) => entry.hit),
    posteriors,
  };
}
