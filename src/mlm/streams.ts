import { Random } from '../kernels/random.ts';

/**
 * Which random numbers are drawn for what: every purpose has 2^24 streams of its own, so that a mask, an order
 * and a story never share numbers under one seed. A purpose that repeats by epoch adds the epoch.
 */
export const streams = {
  order: 0x01000000,
  masks: 0x02000000,
  split: 0x03000000,
  stories: 0x04000000,
  clock: 0x05000000,
  copy: 0x06000000,
} as const;

/**
 * Random numbers for data. Whole numbers, and with them `pick` and `shuffle`, come from the high bits of each
 * word: the low bits of pcg4d are far from uniform from one substream to the next, and a mask that is drawn from
 * them prefers some positions (a χ² of 143 where 62 is expected).
 */
export class DataRandom extends Random {
  override below(n: number): number {
    const width = Math.floor(4294967296 / n);
    let word = this.uint32();
    while (word >= width * n) word = this.uint32();
    return Math.floor(word / width);
  }
}
