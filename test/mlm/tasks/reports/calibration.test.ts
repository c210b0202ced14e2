import { describe, expect, test } from 'vitest';
import { Random } from '../../../../src/kernels/random.ts';
import {
  atTemperature,
  calibrationOf,
  fitTemperature,
  type Judged,
  reportCalibration,
} from '../../../../src/mlm/tasks/reports/calibration.ts';

describe('calibration', () => {
  test('by hand: two bins, each off by what it says', () => {
    // Confidence 0.6 twice, once right: off by 0.1. Confidence 0.9 twice, both right: off by 0.1.
    const judged: Judged[] = [
      { probabilities: [0.6, 0.4], truth: 0 },
      { probabilities: [0.4, 0.6], truth: 0 },
      { probabilities: [0.9, 0.1], truth: 0 },
      { probabilities: [0.1, 0.9], truth: 1 },
    ];
    const { ece, accuracy, confidence, nll, brier, bins } = calibrationOf(judged);
    expect(ece).toBeCloseTo(0.1, 12);
    expect(accuracy).toBe(0.75);
    expect(confidence).toBeCloseTo(0.75, 12);
    expect(nll).toBeCloseTo(-(Math.log(0.6) + Math.log(0.4) + 2 * Math.log(0.9)) / 4, 12);
    expect(brier).toBeCloseTo((0.32 + 0.72 + 0.02 + 0.02) / 4, 12);
    expect(bins.filter(({ count }) => count > 0).map(({ from, count }) => [from, count])).toEqual([
      [0.5, 2],
      [0.8, 2],
    ]);
  });

  test('certainty falls into the last bin, and a probability of 0 has a finite loss', () => {
    const { bins, nll } = calibrationOf([{ probabilities: [1, 0], truth: 1 }]);
    expect(bins.at(-1)?.count).toBe(1);
    expect(nll).toBeLessThan(100);
  });
});

/** Answers over three classes of which each is right as often as it says. */
function honest(count: number): Judged[] {
  const random = new Random(1, 2);
  return Array.from({ length: count }, () => {
    const logits = [2 * random.normal(), 2 * random.normal(), 2 * random.normal()];
    const powers = logits.map(Math.exp);
    const total = powers.reduce((a, b) => a + b);
    const probabilities = powers.map((power) => power / total);
    const draw = random.uniform();
    const truth = draw < probabilities[0] ? 0 : draw < probabilities[0] + probabilities[1] ? 1 : 2;
    return { probabilities, truth };
  });
}

describe('temperature', () => {
  test('1 changes nothing, more flattens, and none changes the answer', () => {
    const p = [0.7, 0.2, 0.1];
    atTemperature(p, 1).forEach((value, k) => {
      expect(value).toBeCloseTo(p[k], 12);
    });
    const flat = atTemperature(p, 3);
    expect(flat[0]).toBeLessThan(0.7);
    expect(flat[0]).toBeGreaterThan(flat[1]);
    // Twice the temperature is the square root, normalised.
    expect(atTemperature(p, 2)[0] / atTemperature(p, 2)[1]).toBeCloseTo(Math.sqrt(3.5), 10);
  });

  test('that was lost is found again', () => {
    const judged = honest(4000);
    expect(fitTemperature(judged)).toBeCloseTo(1, 1);
    const boastful = judged.map(({ probabilities, truth }) => ({
      probabilities: atTemperature(probabilities, 1 / 2.5),
      truth,
    }));
    const { temperature, asItIs, scaled } = reportCalibration(boastful);
    expect(Math.abs(temperature - 2.5)).toBeLessThan(0.15);
    expect(asItIs.ece).toBeGreaterThan(0.1);
    expect(scaled.ece).toBeLessThan(0.03);
    expect(scaled.accuracy).toBe(asItIs.accuracy);
    expect(scaled.nll).toBeLessThan(asItIs.nll);
  });
});
