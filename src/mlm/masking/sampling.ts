/** Draws that several ways of masking share. */
import type { Random } from '../../kernels/random.ts';

/** `k` different whole numbers below `n`, ascending, every such set equally likely (Floyd's algorithm). */
export function sampleSorted(n: number, k: number, random: Random): number[] {
  const chosen = new Set<number>();
  for (let last = n - k; last < n; last++) {
    const candidate = random.below(last + 1);
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** `total` as a sum of `parts` numbers from 1 on, every such composition equally likely. */
export function randomComposition(total: number, parts: number, random: Random): number[] {
  const cuts = [...sampleSorted(total - 1, parts - 1, random).map((cut) => cut + 1), total];
  return cuts.map((cut, i) => cut - (cuts[i - 1] ?? 0));
}

/** Probabilities of the lengths 1 to `most` in proportion to p (1 − p)^(length − 1): a geometric distribution cut off. */
export function truncatedGeometric(p: number, most: number): number[] {
  return normalised(Array.from({ length: most }, (_, i) => p * (1 - p) ** i));
}

/** Probabilities of the lengths 1 to `most` in proportion to 1 / length. */
export function harmonic(most: number): number[] {
  return normalised(Array.from({ length: most }, (_, i) => 1 / (i + 1)));
}

function normalised(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** The number of the entry that a draw falls on, from 0. */
export function drawIndex(probabilities: readonly number[], random: Random): number {
  let u = random.uniform();
  for (let i = 0; i < probabilities.length; i++) {
    u -= probabilities[i];
    if (u < 0) return i;
  }
  return probabilities.length - 1;
}

/** A Poisson number (Knuth, "The Art of Computer Programming", volume 2, 3.4.1). */
export function poisson(mean: number, random: Random): number {
  const end = Math.exp(-mean);
  let count = 0;
  for (let product = random.uniform(); product > end; product *= random.uniform()) count++;
  return count;
}

/**
 * Places of `lengths.length` runs in a line of `room` places, in the order of `lengths`: all arrangements in a random order
 * without overlap are equally likely. Runs are kept a place apart where there is room for that.
 */
export function arrange(lengths: readonly number[], room: number, random: Random): number[] {
  const count = lengths.length;
  const spare = room - lengths.reduce((sum, length) => sum + length, 0);
  const apart = spare >= count - 1 ? 1 : 0;
  const order = random.shuffle(lengths.map((_, i) => i));
  const gaps = sampleSorted(spare - apart * (count - 1) + count, count, random);
  const starts: number[] = [];
  let taken = 0;
  order.forEach((run, i) => {
    starts[run] = gaps[i] - i + taken;
    taken += lengths[run] + apart;
  });
  return starts;
}
