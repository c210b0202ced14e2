/**
 * Searching hyper-parameters. `random` gives every drawn setting the whole budget (Bergstra and Bengio, 2012). `halving` gives all of them a
 * little, the best share of them more, and only the last the whole budget (Jamieson and Talwalkar, "Non-stochastic Best Arm
 * Identification and Hyperparameter Optimization", 2016). Each rung trains anew, since a schedule depends on its end.
 */
import { ClozeError } from '../../gpu/errors.ts';
import { drawSettings, type Range, type Settings } from './space.ts';

export const sweepMethods = ['random', 'halving'] as const;

export interface SweepPlan {
  method: (typeof sweepMethods)[number];
  ranges: readonly Range[];
  trials: number;
  /** Epochs or steps of the last rung. */
  budget: number;
  /** By what a rung has fewer trials, and more budget each, than the one before. */
  eta: number;
  seed: number;
  /** Whether the best score is the largest or the smallest. */
  best: 'largest' | 'smallest';
}

export interface Trial {
  trial: number;
  rung: number;
  budget: number;
  settings: Settings;
  /** Null for one that failed. */
  score: number | null;
  /** Why it failed. */
  error?: string;
  seconds: number;
}

/** How many trials a rung has, and what each may spend. */
export interface Rung {
  trials: number;
  budget: number;
}

/** From the first, which has all trials, to the last, which has the whole budget. */
export function rungsOf({
  method,
  trials,
  budget,
  eta,
}: Omit<SweepPlan, 'ranges' | 'seed' | 'best'>): Rung[] {
  if (method === 'random') return [{ trials, budget }];
  const log = (value: number) => Math.floor(Math.log(value) / Math.log(eta) + 1e-9);
  const last = Math.min(log(trials), log(budget));
  return Array.from({ length: last + 1 }, (_, rung) => ({
    trials: Math.max(1, Math.floor(trials / eta ** rung)),
    budget: Math.round(budget / eta ** (last - rung)),
  }));
}

/**
 * Runs the trials that `done` does not hold yet, and yields each when it is over. A setting that is refused, or whose loss is no number, fails and
 * is never among the best; whatever else `run` throws ends the sweep.
 */
export async function* sweep(
  plan: SweepPlan,
  run: (settings: Settings, budget: number, name: string) => Promise<number>,
  done: readonly Trial[] = [],
): AsyncGenerator<Trial, void, void> {
  const known = new Map(done.map((trial) => [`${trial.rung}.${trial.trial}`, trial]));
  let candidates = Array.from({ length: plan.trials }, (_, trial) => trial);
  for (const [rung, { trials, budget }] of rungsOf(plan).entries()) {
    candidates = candidates.slice(0, trials);
    const over: Trial[] = [];
    for (const trial of candidates) {
      const name = `${rung}.${trial}`;
      let result = known.get(name);
      if (!result) {
        const settings = drawSettings(plan.ranges, plan.seed, trial);
        result = { trial, rung, budget, settings, ...(await attempt(() => run(settings, budget, name))) };
        yield result;
      }
      over.push(result);
    }
    candidates = ranked(over, plan.best).map(({ trial }) => trial);
  }
}

/** Thrown by a trial when the user has had enough: it does not count, and the sweep ends. */
export class StoppedError extends Error {}

const excusable: readonly string[] = ['nan', 'option', 'out-of-memory'] satisfies ClozeError['code'][];

async function attempt(body: () => Promise<number>): Promise<Pick<Trial, 'score' | 'error' | 'seconds'>> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  try {
    const score = await body();
    return Number.isFinite(score)
      ? { score, seconds: seconds() }
      : { score: null, error: `the score is ${score}`, seconds: seconds() };
  } catch (error) {
    if (!(error instanceof ClozeError && excusable.includes(error.code))) throw error;
    return { score: null, error: error.message, seconds: seconds() };
  }
}

/** The best first: those of a later rung before those of an earlier one, failed ones at the end. */
export function ranked(trials: readonly Trial[], best: SweepPlan['best']): Trial[] {
  const sign = best === 'largest' ? 1 : -1;
  const worth = ({ score }: Trial) => (score === null ? Number.NEGATIVE_INFINITY : sign * score);
  return [...trials].sort((a, b) => b.rung - a.rung || compare(worth(b), worth(a)) || a.trial - b.trial);
}

const compare = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1);

/** The last word on each setting, ranked. */
export function lastResults(trials: readonly Trial[], best: SweepPlan['best']): Trial[] {
  const last = new Map<number, Trial>();
  for (const trial of trials) {
    if ((last.get(trial.trial)?.rung ?? -1) < trial.rung) last.set(trial.trial, trial);
  }
  return ranked([...last.values()], best);
}
