/** Whole runs in f16. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { MemoryStore, type TrainOptionsInput } from '../../../src/mlm/index.ts';
import type { DoneEvent, StepEvent } from '../../../src/mlm/training/events.ts';
import { run } from '../training.ts';

let hasHalf: boolean;
beforeAll(async () => {
  using engine = await Engine.open();
  hasHalf = engine.device.capabilities.features.has('shader-f16');
});
afterAll(() => {
  if (!hasHalf) console.log('runs in f16 skipped: the adapter has no shader-f16');
});

const options = { dtype: 'f16', accumulation: 2, checkpointEvery: 3 } as const;
const steps = ({ events }: { events: readonly { event: string }[] }) =>
  events.filter(({ event }) => event === 'step') as StepEvent[];

describe('a run in f16', () => {
  test('is refused by an adapter without it', async () => {
    if (hasHalf) return;
    await expect(run(options)).rejects.toThrow(/has no f16/);
  });

  test('follows one in f32, and says its loss scale', async () => {
    if (!hasHalf) return;
    const [half, whole] = [await run(options), await run({ ...options, dtype: 'f32' })];
    steps(half).forEach(({ loss, lossScale, skipped }, i) => {
      expect(Math.abs(loss / steps(whole)[i].loss - 1)).toBeLessThan(0.01);
      expect({ lossScale, skipped }).toEqual({ lossScale: 2 ** 16, skipped: false });
    });
    expect(steps(whole)[0]).not.toHaveProperty('lossScale');
    expect(half.metrics).not.toBe(whole.metrics);
  });

  const shapes = [
    { objective: 't5', gradientCheckpointing: true },
    { objective: 'electra', positions: 'absolute' },
    { objective: 'autoencoder', normType: 'rms', feedForward: 'geglu' },
    { objective: 'sbo', positions: 'sinusoidal', globalEvery: 2, localWindow: 4 },
  ] as TrainOptionsInput[];
  test.each(shapes.map((shape) => [JSON.stringify(shape), shape] as const))('with %s', async (_, shape) => {
    if (!hasHalf) return;
    const short = { ...shape, steps: 2, evalEvery: 2 };
    const [half, whole] = [await run({ ...short, dtype: 'f16' }), await run(short)].map(steps);
    half.forEach(({ loss, skipped }, i) => {
      expect(skipped).toBe(false);
      expect(Math.abs(loss / whole[i].loss - 1)).toBeLessThan(0.01);
    });
  });

  test('skips steps while the scale is too large, and resumes with the scale it had, bit for bit', async () => {
    if (!hasHalf) return;
    const settings = { lossScale: 2 ** 24 };
    const whole = await run(options, settings);
    const skips = steps(whole).map(({ skipped }) => skipped);
    expect(skips.slice(0, 2)).toEqual([true, true]);
    expect(skips.at(-1)).toBe(false);
    const scales = steps(whole).map(({ lossScale }) => lossScale as number);
    scales.slice(1).forEach((scale, i) => {
      expect(scale).toBe(skips[i] ? scales[i] / 2 : scales[i]);
    });

    const store = new MemoryStore();
    const part = await run(options, { ...settings, store, stopAfter: 3 });
    expect((part.events.at(-1) as DoneEvent).reason).toBe('stopped');
    const rest = await run(options, { store, resume: true });
    expect(rest.weights).toEqual(whole.weights);
    expect(rest.metrics).toBe(whole.metrics);
  });

  test('that comes upon a weight that is no number ends as one in f32 would', async () => {
    if (!hasHalf) return;
    await expect(run(options, { poison: 2 })).rejects.toThrow(/loss is NaN at step .*the weight/);
  });
});
