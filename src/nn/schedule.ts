/**
 * Learning-rate schedules: pure functions from the number of an optimizer step to a factor on the base learning rate.
 *
 * Steps count from 1. Warm-up rises as step / warmupSteps, so the first step already moves and step `warmupSteps` runs
 * at the full rate; the decay then starts from 1 at step warmupSteps + 1 and would reach its end at totalSteps + 1. No
 * step is spent at a rate of 0. Hugging Face's schedules count from 0: their factor for the same update is equal
 * during the decay, and lower by 1 / warmupSteps during warm-up, whose first update does nothing there.
 */
import { ClozeError } from '../gpu/errors.ts';

/** Gives the factor for step 1, 2, …; past the last step it stays at the final fraction. */
export type Schedule = (step: number) => number;

export const SCHEDULE_NAMES = ['constant', 'linear', 'cosine', 'wsd'] as const;
export type ScheduleName = (typeof SCHEDULE_NAMES)[number];

export interface ScheduleOptions {
  name: ScheduleName;
  totalSteps: number;
  /** Steps of linear warm-up; 0 when left out. */
  warmupSteps?: number;
  /** Warm-up as a share of `totalSteps`, rounded up; only without `warmupSteps`. */
  warmupRatio?: number;
  /** Only `wsd`: how many of the last steps decay; a fifth of `totalSteps` when left out. */
  decaySteps?: number;
  /** Where the decay ends, as a share of the base rate; 0 when left out. `constant` ignores it. */
  finalFraction?: number;
}

/** What remains of the rate after a share `progress`, from 0 to 1, of the decay. */
const DECAYS: Record<ScheduleName, (progress: number) => number> = {
  constant: () => 1,
  linear: (progress) => 1 - progress,
  // Half a period of the cosine, without restarts: Loshchilov and Hutter, "SGDR", 2017.
  cosine: (progress) => (1 + Math.cos(Math.PI * progress)) / 2,
  // Warm-up, stable, decay with the square root: Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond
  // Fixed Training Durations", 2024.
  wsd: (progress) => 1 - Math.sqrt(progress),
};

/** Builds a schedule. Throws a ClozeError with the code `option` when the numbers contradict one another. */
export function createSchedule(options: ScheduleOptions): Schedule {
  const { name, totalSteps, finalFraction = 0 } = options;
  if (!Object.hasOwn(DECAYS, name)) {
    throw new ClozeError('option', `Unknown schedule ${name}`, `Choose one of ${SCHEDULE_NAMES.join(', ')}.`);
  }
  const warmupSteps = options.warmupSteps ?? Math.ceil(totalSteps * (options.warmupRatio ?? 0));
  const room = totalSteps - warmupSteps;
  const decaySteps =
    name === 'wsd' ? (options.decaySteps ?? Math.min(Math.ceil(totalSteps / 5), room)) : room;
  requireSteps('totalSteps', totalSteps, Number.MAX_SAFE_INTEGER);
  requireSteps('warmupSteps', warmupSteps, totalSteps);
  requireSteps('decaySteps', decaySteps, room);
  if (!(finalFraction >= 0 && finalFraction <= 1)) {
    throw new ClozeError('option', `finalFraction is ${finalFraction}`, 'Choose a number from 0 to 1.');
  }

  const decay = DECAYS[name];
  const decayStart = totalSteps - decaySteps;
  return (step) => {
    if (step <= warmupSteps) return step / warmupSteps;
    if (step <= decayStart) return 1;
    const progress = Math.min(1, (step - 1 - decayStart) / Math.max(1, decaySteps));
    return finalFraction + (1 - finalFraction) * decay(progress);
  };
}

function requireSteps(option: string, steps: number, most: number): void {
  if (Number.isInteger(steps) && steps >= 0 && steps <= most) return;
  throw new ClozeError(
    'option',
    `${option} is ${steps}`,
    `Choose a whole number of steps from 0 to ${most}.`,
  );
}
