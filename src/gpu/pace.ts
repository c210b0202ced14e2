/**
 * How much work a submission may hold. Browsers and operating systems take a GPU that is silent for seconds for a hung one, so a
 * submission should take no longer than a bound. How long kernels take is estimated by their cost; how wrong the estimates
 * are on this adapter is measured whenever somebody waits for it: between two such moments the queue did all that was
 * submitted, in at most the time that passed.
 */
/** How many times longer than estimated work is taken to be before anything was measured, and than measured afterwards. */
const unmeasured = 10;
const safety = 2;

/** So many measurements are needed, and so many kept: one that a busy processor delayed is then outvoted. */
const fewest = 3;
const most = 9;

/** Estimated seconds below which a measurement would tell of latency alone. */
const leastWork = 1e-3;

export class Pace {
  /** Seconds that a submission may take. */
  longest: number;
  private readonly now: () => number;
  /** Measured seconds for each estimated one, the latest ones. */
  private readonly ratios: number[] = [];
  /** How many times longer than estimated work is taken to be. */
  private slowness = unmeasured;
  /** Estimated seconds of all that was submitted, and of what is known to be done. */
  private submitted = 0;
  private done = 0;
  /** Since when, in milliseconds, the queue has had something to do; undefined while it is known to have nothing. */
  private busySince: number | undefined;

  constructor(longest = 1, now = () => performance.now()) {
    this.longest = longest;
    this.now = now;
  }

  /** The estimated seconds of work that a submission may hold. */
  get seconds(): number {
    return this.longest / this.slowness;
  }

  /** Says that work of so many estimated seconds was submitted. */
  add(estimated: number): void {
    this.submitted += estimated;
    this.busySince ??= this.now();
  }

  /** To be called after a submission; what it returns, when that is known to be done. */
  mark(): () => void {
    const { submitted } = this;
    return () => {
      const work = submitted - this.done;
      if (work <= 0 || this.busySince === undefined) return;
      const now = this.now();
      if (work >= leastWork) {
        this.ratios.push((now - this.busySince) / 1e3 / work);
        if (this.ratios.length > most) this.ratios.shift();
        if (this.ratios.length >= fewest) this.slowness = safety * median(this.ratios);
      }
      this.done = submitted;
      this.busySince = this.submitted > submitted ? now : undefined;
    };
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
