/**
 * Times contestants against one another. They take turns, and every other round in the opposite order, so that a
 * machine that speeds up or slows down does so for all of them. What is too short for the clock is repeated within a run.
 */

export interface Contestant {
  /** Does the work once, to the end. */
  run(): Promise<void>;
}

/** Milliseconds of each of so many runs. */
export type Stopwatch = (contestant: Contestant, samples: number) => Promise<number[]>;

export interface Sampling {
  rounds: number;
  /** Samples that a contestant takes in each of its turns. */
  samplesPerTurn: number;
  /** Seconds after which no further round begins, for each contestant; three rounds are always held. */
  seconds: number;
  /** Default: the platform's clock, read before and after. */
  stopwatch?: Stopwatch;
}

const clock: Stopwatch = async (contestant, samples) => {
  const times: number[] = [];
  for (let i = 0; i < samples; i++) {
    const start = performance.now();
    await contestant.run();
    times.push(performance.now() - start);
  }
  return times;
};

export const defaultSampling: Sampling = { rounds: 5, samplesPerTurn: 3, seconds: 3 };

export const quickSampling: Sampling = { rounds: 3, samplesPerTurn: 2, seconds: 1 };

const fewestRounds = 3;

/**
 * Milliseconds of each run, by contestant. `afterTurn` is called when a contestant has had a turn. Throws whatever a
 * contestant throws.
 */
export async function takeTurns(
  contestants: readonly Contestant[],
  sampling: Sampling = defaultSampling,
  afterTurn: (contestant: number) => Promise<void> = async () => {},
): Promise<number[][]> {
  const { stopwatch = clock } = sampling;
  const samples = contestants.map((): number[] => []);
  const order = contestants.map((_, i) => i);
  const began = performance.now();
  for (let round = 0; round < sampling.rounds; round++) {
    const late = performance.now() - began > 1e3 * sampling.seconds * contestants.length;
    if (late && round >= fewestRounds) break;
    for (const i of order) {
      samples[i].push(...(await stopwatch(contestants[i], sampling.samplesPerTurn)));
      await afterTurn(i);
    }
    order.reverse();
  }
  return samples;
}

export interface Summary {
  median: number;
  /** Smallest and largest. */
  spread: [min: number, max: number];
}

/** Throws RangeError for no values. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('summarize: there are no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, spread: [sorted[0], sorted[sorted.length - 1]] };
}

/** How many times as long `a` takes as `b`, sample by sample: both took them in the same turns. */
export function ratio(a: readonly number[], b: readonly number[]): Summary {
  const pairs = summarize(a.slice(0, b.length).map((time, i) => time / b[i]));
  return { median: summarize(a).median / summarize(b).median, spread: pairs.spread };
}
