import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernels/random.ts';
import { normal, ones, truncatedNormal, uniform, xavierUniform, zeros } from '../../src/nn/initializers.ts';

const N = 40_000;

function moments(values: Float32Array) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  const fourth = values.reduce((sum, x) => sum + (x - mean) ** 4, 0) / values.length;
  return { mean, std: Math.sqrt(variance), kurtosis: fourth / variance ** 2 };
}

/** Mean and spread within five standard errors of what the distribution has. */
function expectMoments(values: Float32Array, mean: number, std: number, kurtosis: number): void {
  const got = moments(values);
  expect(Math.abs(got.mean - mean)).toBeLessThan((5 * std) / Math.sqrt(N));
  expect(Math.abs(got.std / std - 1)).toBeLessThan(5 * Math.sqrt((kurtosis - 1) / (4 * N)));
  expect(got.kurtosis).toBeCloseTo(kurtosis, 0);
}

describe('initializers', () => {
  test('normal', () => {
    expectMoments(normal(new Float32Array(N), new Random(0), 1, 0.02), 1, 0.02, 3);
  });

  test('truncatedNormal never leaves two standard deviations', () => {
    const values = truncatedNormal(new Float32Array(N), new Random(1), -1, 0.5);
    const bound = values.reduce((most, x) => Math.max(most, Math.abs(x + 1)), 0);
    expect(bound).toBeLessThanOrEqual(1);
    expect(bound).toBeGreaterThan(0.99);
    expectMoments(values, -1, 0.8796 * 0.5, 2.37);
  });

  test('uniform', () => {
    const values = uniform(new Float32Array(N), new Random(2), -3, 1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-3);
    expect(Math.max(...values)).toBeLessThan(1);
    expectMoments(values, -1, 4 / Math.sqrt(12), 1.8);
  });

  test('xavierUniform has the variance 2 / (fanIn + fanOut)', () => {
    const values = xavierUniform(new Float32Array(N), new Random(3), [100, 400]);
    expectMoments(values, 0, Math.sqrt(2 / 500), 1.8);
    const doubled = xavierUniform(new Float32Array(N), new Random(3), [100, 400], 2);
    expect(doubled[7] / values[7]).toBeCloseTo(2, 5);
    expect(() => xavierUniform(values, new Random(3), [N])).toThrow(/\[out, in\]/);
  });

  test('zeros and ones', () => {
    expect([...zeros(Float32Array.of(1, 2))]).toEqual([0, 0]);
    expect([...ones(new Float32Array(2))]).toEqual([1, 1]);
  });

  test('the seed decides every value', () => {
    const draw = (seed: number) => truncatedNormal(new Float32Array(64), new Random(seed));
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });
});
