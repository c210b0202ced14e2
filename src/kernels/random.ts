/**
 * Counter-based random numbers: a value is a pure function of (seed, stream, counter), so nothing has to be
 * stored to draw it again. Masks, shuffles and initial weights are drawn on the CPU with this file; dropout
 * draws the same function in WGSL (`shaders/random.ts`) and backward recomputes what forward drew.
 *
 * The function is pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020: four
 * 32-bit words in, four well-mixed 32-bit words out, integer arithmetic only, hence equal on every machine.
 */

/** pcg4d: writes four mixed words into `out` (length 4). All arithmetic is modulo 2^32. */
export function pcg4d(x: number, y: number, z: number, w: number, out: Uint32Array): void {
  x = (Math.imul(x, 1664525) + 1013904223) | 0;
  y = (Math.imul(y, 1664525) + 1013904223) | 0;
  z = (Math.imul(z, 1664525) + 1013904223) | 0;
  w = (Math.imul(w, 1664525) + 1013904223) | 0;
  for (let round = 0; round < 2; round++) {
    x = (x + Math.imul(y, w)) | 0;
    y = (y + Math.imul(z, x)) | 0;
    z = (z + Math.imul(x, y)) | 0;
    w = (w + Math.imul(y, z)) | 0;
    if (round === 0) {
      x ^= x >>> 16;
      y ^= y >>> 16;
      z ^= z >>> 16;
      w ^= w >>> 16;
    }
  }
  out[0] = x;
  out[1] = y;
  out[2] = z;
  out[3] = w;
}

/** The whole state of a {@link Random}: JSON-safe, so a checkpoint can hold it. */
export interface RandomState {
  seed: number;
  stream: number;
  substream: number;
  counter: number;
}

/**
 * A stream of random numbers. Two generators with the same (seed, stream, substream) give the same numbers;
 * any difference in one of the three gives an unrelated stream. Seed 0 is a seed like any other.
 */
export class Random {
  private readonly seed: number;
  private readonly stream: number;
  private readonly substream: number;
  private counter = 0;
  private readonly block = new Uint32Array(4);

  /** `seed`, `stream`, `substream`: integers, taken modulo 2^32. */
  constructor(seed: number, stream = 0, substream = 0) {
    this.seed = seed >>> 0;
    this.stream = stream >>> 0;
    this.substream = substream >>> 0;
  }

  static fromState(state: RandomState): Random {
    const random = new Random(state.seed, state.stream, state.substream);
    random.counter = state.counter - (state.counter % 4);
    for (let i = 0; i < state.counter % 4; i++) random.uint32();
    random.counter = state.counter;
    return random;
  }

  get state(): RandomState {
    return { seed: this.seed, stream: this.stream, substream: this.substream, counter: this.counter };
  }

  /** The next word, uniform over 0 … 2^32 − 1. */
  uint32(): number {
    const lane = this.counter % 4;
    if (lane === 0) pcg4d(this.seed, this.stream, this.substream, Math.floor(this.counter / 4), this.block);
    this.counter++;
    return this.block[lane];
  }

  /** Uniform over [0, 1) with 24 random bits: exact in float32. */
  uniform(): number {
    return (this.uint32() >>> 8) / 16777216;
  }

  /**
   * Uniform over the integers 0 … n − 1, without modulo bias; n from 1 to 2^32. Taken from the high bits: the low bits
   * of pcg4d are far from uniform from one substream to the next.
   */
  below(n: number): number {
    const width = Math.floor(4294967296 / n);
    let word = this.uint32();
    while (word >= width * n) word = this.uint32();
    return Math.floor(word / width);
  }

  /** Standard normal by Box and Muller (1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log((this.uint32() + 1) / 4294967296));
    return radius * Math.cos((2 * Math.PI * this.uint32()) / 4294967296);
  }

  /** Shuffles in place (Fisher and Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return items;
  }

  /** One of `items`, each equally likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
