/** How long a run is: in steps, in epochs, in minutes, whichever is reached first. */
import { createSchedule, type Schedule } from '../../nn/index.ts';
import type { TrainOptions } from './options.ts';

export type LengthOptions = Pick<TrainOptions, 'steps' | 'epochs' | 'minutes' | 'schedule' | 'warmup'>;

/** The length of a run that names none. */
const defaultSteps = 1000;

/** The schedule of a run that is limited by time alone is cut as finely as anybody can tell. */
const ticks = 10_000;

export class RunLength {
  readonly stepsPerEpoch: number;
  /** Steps the run will take; null where only the time decides. */
  readonly steps: number | null;
  private readonly options: LengthOptions;
  private readonly schedule: Schedule;

  /** Throws `option` when the warm-up does not fit. */
  constructor(options: LengthOptions, stepsPerEpoch: number) {
    this.options = options;
    this.stepsPerEpoch = stepsPerEpoch;
    this.steps = plannedSteps(options, stepsPerEpoch);
    this.schedule = createSchedule({
      name: options.schedule,
      totalSteps: this.steps ?? ticks,
      warmupRatio: options.warmup,
    });
  }

  /**
   * The factor on the learning rate at a step, after `seconds` of training. Where the number of steps is known the
   * time does not count, so that two runs do the same however fast they are.
   */
  lrFactor(step: number, seconds: number): number {
    if (this.steps !== null) return this.schedule(step);
    const share = seconds / (60 * (this.options.minutes as number));
    return this.schedule(Math.max(1, Math.ceil(share * ticks)));
  }

  /** The share of the run that lies before a step, in [0, 1]; as for {@link lrFactor}, in steps where they are known. */
  progress(step: number, seconds: number): number {
    const share =
      this.steps !== null ? (step - 1) / this.steps : seconds / (60 * (this.options.minutes as number));
    return Math.min(1, share);
  }

  /** Which limit `step` steps in `seconds` seconds have reached, if any. */
  reached(step: number, seconds: number): 'steps' | 'epochs' | 'minutes' | undefined {
    const { epochs, steps, minutes } = this.options;
    if (this.steps !== null && step >= this.steps) {
      return epochs === undefined || this.steps === steps ? 'steps' : 'epochs';
    }
    return minutes !== undefined && seconds >= 60 * minutes ? 'minutes' : undefined;
  }

  /** Seconds that are left after `step` steps in `seconds` seconds, when a step takes `pace` seconds. */
  secondsLeft(step: number, seconds: number, pace: number): number {
    const { minutes = Number.POSITIVE_INFINITY } = this.options;
    const bySteps = ((this.steps ?? Number.POSITIVE_INFINITY) - step) * pace;
    return Math.max(0, Math.min(bySteps, 60 * minutes - seconds));
  }
}

function plannedSteps({ steps, epochs, minutes }: LengthOptions, stepsPerEpoch: number): number | null {
  if (steps === undefined && epochs === undefined) return minutes === undefined ? defaultSteps : null;
  const { POSITIVE_INFINITY: never } = Number;
  return Math.min(steps ?? never, Math.ceil((epochs ?? never) * stepsPerEpoch));
}
