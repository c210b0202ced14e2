import { describe, expect, test } from 'vitest';
import type { ScheduleOptions } from '../../src/nn/schedule.ts';
import { createSchedule } from '../../src/nn/schedule.ts';

const factors = (options: ScheduleOptions, ...steps: number[]) => steps.map(createSchedule(options));

function expectFactors(got: number[], want: number[]): void {
  expect(got.length).toBe(want.length);
  got.forEach((factor, i) => {
    expect(factor).toBeCloseTo(want[i], 12);
  });
}

describe('createSchedule', () => {
  test('constant rises and stays', () => {
    const options: ScheduleOptions = { name: 'constant', totalSteps: 10, warmupSteps: 4, finalFraction: 0.5 };
    expectFactors(factors(options, 1, 2, 4, 5, 10, 99), [0.25, 0.5, 1, 1, 1, 1]);
    expectFactors(factors({ name: 'constant', totalSteps: 10 }, 1, 10), [1, 1]);
  });

  test('linear falls to the final fraction, which the step after the last would reach', () => {
    const options: ScheduleOptions = { name: 'linear', totalSteps: 10, warmupSteps: 2 };
    expectFactors(factors(options, 1, 2, 3, 4, 7, 10, 11, 99), [0.5, 1, 1, 0.875, 0.5, 0.125, 0, 0]);
    expectFactors(factors({ ...options, finalFraction: 0.2 }, 7, 11), [0.6, 0.2]);
    expectFactors(factors({ name: 'linear', totalSteps: 4 }, 1, 2, 3, 4), [1, 0.75, 0.5, 0.25]);
  });

  test('cosine passes the middle at half way', () => {
    const options: ScheduleOptions = { name: 'cosine', totalSteps: 8, finalFraction: 0.1 };
    expectFactors(factors(options, 1, 3, 5, 9), [1, 0.1 + 0.45 * (1 + Math.SQRT1_2), 0.55, 0.1]);
  });

  test('wsd rises, stays, and falls with the square root', () => {
    const options: ScheduleOptions = { name: 'wsd', totalSteps: 20, warmupSteps: 4, decaySteps: 4 };
    expectFactors(factors(options, 2, 4, 10, 16, 17, 18, 20), [0.5, 1, 1, 1, 1, 0.5, 1 - Math.sqrt(0.75)]);
    expectFactors(factors({ ...options, finalFraction: 0.5 }, 18, 21), [0.75, 0.5]);
    expectFactors(factors({ name: 'wsd', totalSteps: 20 }, 17, 18), [1, 0.5]);
  });

  test('warm-up may be given as a share, rounded up', () => {
    expectFactors(factors({ name: 'constant', totalSteps: 15, warmupRatio: 0.1 }, 1, 2, 3), [0.5, 1, 1]);
  });

  test('every factor of a run is above zero', () => {
    for (const name of ['linear', 'cosine', 'wsd'] as const) {
      for (const warmupSteps of [0, 1, 6, 7]) {
        const schedule = createSchedule({ name, totalSteps: 7, warmupSteps });
        for (let step = 1; step <= 7; step++) expect(schedule(step)).toBeGreaterThan(0);
      }
    }
  });

  test.each([
    [{ name: 'linear', totalSteps: 10, warmupSteps: 11 }, /warmupSteps is 11.*from 0 to 10/],
    [{ name: 'linear', totalSteps: 10, warmupSteps: 1.5 }, /warmupSteps is 1.5/],
    [{ name: 'linear', totalSteps: -1 }, /totalSteps is -1/],
    [{ name: 'linear', totalSteps: Number.NaN }, /totalSteps is NaN/],
    [{ name: 'wsd', totalSteps: 10, warmupSteps: 5, decaySteps: 6 }, /decaySteps is 6.*from 0 to 5/],
    [{ name: 'cosine', totalSteps: 10, finalFraction: 2 }, /finalFraction is 2/],
    [{ name: 'step' as 'linear', totalSteps: 10 }, /Unknown schedule step\. Choose one of constant, linear/],
  ] satisfies [ScheduleOptions, RegExp][])('%o is refused', (options, message) => {
    expect(() => createSchedule(options)).toThrow(message);
  });
});
