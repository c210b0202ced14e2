/** What was measured in a run, column by column, as charts want it. */
import type { LoggedEvent } from './protocol.ts';

export interface Curves {
  step: number[];
  loss: number[];
  accuracy: number[];
  lr: number[];
  gradNorm: number[];
  /** Only of steps that were watched: the log does not hold it. */
  tokensPerSecond: (number | null)[];
  evalStep: number[];
  evalLoss: number[];
  evalAccuracy: number[];
}

export const noCurves = (): Curves => ({
  step: [],
  loss: [],
  accuracy: [],
  lr: [],
  gradNorm: [],
  tokensPerSecond: [],
  evalStep: [],
  evalLoss: [],
  evalAccuracy: [],
});

/** Adds an event in place. What a resumed run does again replaces what was there from that step on. */
export function addEvent(curves: Curves, event: LoggedEvent & { tokensPerSecond?: number }): void {
  if (event.event === 'step') {
    cut(
      event.step,
      curves.step,
      curves.loss,
      curves.accuracy,
      curves.lr,
      curves.gradNorm,
      curves.tokensPerSecond,
    );
    curves.step.push(event.step);
    curves.loss.push(event.loss);
    curves.accuracy.push(event.accuracy);
    curves.lr.push(event.lr);
    curves.gradNorm.push(event.gradNorm);
    curves.tokensPerSecond.push(event.tokensPerSecond ?? null);
  } else if (event.event === 'eval') {
    cut(event.step, curves.evalStep, curves.evalLoss, curves.evalAccuracy);
    curves.evalStep.push(event.step);
    curves.evalLoss.push(event.loss);
    curves.evalAccuracy.push(event.accuracy);
  }
}

function cut(step: number, steps: number[], ...others: unknown[][]): void {
  let length = steps.length;
  while (length > 0 && steps[length - 1] >= step) length--;
  for (const column of [steps, ...others]) column.length = length;
}

export function curvesOf(history: readonly LoggedEvent[]): Curves {
  const curves = noCurves();
  for (const event of history) addEvent(curves, event);
  return curves;
}

/** The running mean over about `window` values: a single batch says little. */
export function smoothed(values: readonly number[], window: number): number[] {
  let mean = 0;
  return values.map((value, i) => {
    mean += (value - mean) / Math.min(i + 1, window);
    return mean;
  });
}
