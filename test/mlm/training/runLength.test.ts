import { describe, expect, test } from 'vitest';
import { type LengthOptions, RunLength } from '../../../src/mlm/training/runLength.ts';

function length(options: Partial<LengthOptions>, stepsPerEpoch = 10): RunLength {
  return new RunLength({ schedule: 'linear', warmup: 0.1, ...options }, stepsPerEpoch);
}

describe('the length of a run', () => {
  test.each([
    [{ steps: 7 }, 7, 'steps'],
    [{ epochs: 2 }, 20, 'epochs'],
    [{ epochs: 0.25 }, 3, 'epochs'],
    [{ steps: 7, epochs: 2 }, 7, 'steps'],
    [{ steps: 70, epochs: 2 }, 20, 'epochs'],
    [{ steps: 7, minutes: 60 }, 7, 'steps'],
    [{}, 1000, 'steps'],
  ] as const)('%j is %i steps', (options, steps, reason) => {
    const run = length(options);
    expect(run.steps).toBe(steps);
    expect(run.reached(steps - 1, 0)).toBeUndefined();
    expect(run.reached(steps, 0)).toBe(reason);
  });

  test('may be a time', () => {
    const run = length({ minutes: 2 });
    expect(run.steps).toBeNull();
    expect(run.reached(1_000_000, 119.9)).toBeUndefined();
    expect(run.reached(1, 120)).toBe('minutes');
    expect(run.secondsLeft(5, 90, 1)).toBe(30);
    expect(run.secondsLeft(5, 121, 1)).toBe(0);
  });

  test('ends at whichever limit comes first', () => {
    const run = length({ steps: 100, minutes: 1 });
    expect(run.reached(50, 60)).toBe('minutes');
    expect(run.secondsLeft(50, 10, 0.1)).toBe(5);
    expect(run.secondsLeft(50, 10, 10)).toBe(50);
  });
});

describe('the learning rate', () => {
  test('follows the steps where they are known, however long they take', () => {
    const run = length({ steps: 100, minutes: 1 });
    expect(run.lrFactor(5, 0)).toBeCloseTo(0.5, 12);
    expect(run.lrFactor(5, 59)).toBe(run.lrFactor(5, 0));
    expect(run.lrFactor(100, 0)).toBeCloseTo(1 / 90, 12);
  });

  test('follows the time where it alone ends the run', () => {
    const run = length({ minutes: 1 });
    expect(run.lrFactor(1, 0)).toBeGreaterThan(0);
    expect(run.lrFactor(1, 3)).toBeCloseTo(0.5, 3);
    expect(run.lrFactor(1, 6)).toBeCloseTo(1, 3);
    expect(run.lrFactor(999, 33)).toBeCloseTo(0.5, 3);
    expect(run.lrFactor(999, 60)).toBeCloseTo(0, 3);
  });
});
