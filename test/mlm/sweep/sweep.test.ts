import { describe, expect, test } from 'vitest';
import { ClozeError } from '../../../src/gpu/errors.ts';
import { drawSettings, parseRange, type Range } from '../../../src/mlm/sweep/space.ts';
import { lastResults, rungsOf, type SweepPlan, sweep, type Trial } from '../../../src/mlm/sweep/sweep.ts';

const number = { name: 'lr', kind: 'number' } as const;
const whole = { name: 'batchSize', kind: 'whole' } as const;

describe('ranges', () => {
  test('are choices, or numbers between two', () => {
    expect(parseRange('8, 16,32', whole)).toEqual({ name: 'batchSize', kind: 'choice', values: [8, 16, 32] });
    expect(parseRange('log:1e-4..1e-2', number)).toEqual({
      name: 'lr',
      kind: 'log',
      from: 1e-4,
      to: 1e-2,
      whole: false,
    });
    expect(parseRange('1..3', whole)).toEqual({
      name: 'batchSize',
      kind: 'uniform',
      from: 1,
      to: 3,
      whole: true,
    });
    expect(parseRange('true,false', { name: 'scratch', kind: 'flag' })).toMatchObject({
      values: [true, false],
    });
    expect(parseRange('pre,post', { name: 'norm', kind: 'choice' })).toMatchObject({
      values: ['pre', 'post'],
    });
  });

  test.each([
    ['1e-2..1e-4', number, /from a number to a larger one/],
    ['log:0..1', number, /begins above 0/],
    ['a..b', number, /from a number/],
    ['8,many', whole, /"many" is no value of batchSize/],
    ['1..2', { name: 'norm', kind: 'choice' }, /norm is no number/],
    ['yes', { name: 'scratch', kind: 'flag' }, /"yes" is no value/],
    ['', whole, /is no value/],
  ] as const)('%j is refused', (text, field, message) => {
    expect(() => parseRange(text, field)).toThrow(message);
  });

  test('are drawn from evenly, in their own scale, and the same for the same seed', () => {
    const ranges: Range[] = [
      { name: 'lr', kind: 'log', from: 1e-4, to: 1e-2, whole: false },
      { name: 'layers', kind: 'uniform', from: 1, to: 4, whole: true },
      { name: 'norm', kind: 'choice', values: ['pre', 'post'] },
    ];
    const all = Array.from({ length: 2000 }, (_, trial) => drawSettings(ranges, 7, trial));
    expect(drawSettings(ranges, 7, 3)).toEqual(all[3]);
    expect(drawSettings(ranges, 8, 3)).not.toEqual(all[3]);
    const share = (hit: (settings: (typeof all)[number]) => boolean) => all.filter(hit).length / all.length;
    expect(share(({ lr }) => Number(lr) < 1e-3)).toBeCloseTo(0.5, 1);
    for (const layers of [1, 2, 3, 4]) expect(share((one) => one.layers === layers)).toBeCloseTo(0.25, 1);
    expect(share(({ norm }) => norm === 'pre')).toBeCloseTo(0.5, 1);
    for (const { lr } of all) {
      expect(Number(lr)).toBeGreaterThanOrEqual(1e-4);
      expect(Number(lr)).toBeLessThanOrEqual(1e-2);
    }
  });
});

const plan: SweepPlan = {
  method: 'halving',
  ranges: [{ name: 'x', kind: 'uniform', from: 0, to: 1, whole: false }],
  trials: 9,
  budget: 9,
  eta: 3,
  seed: 1,
  best: 'largest',
};

describe('a sweep', () => {
  test('by halving gives fewer trials more', () => {
    expect(rungsOf(plan)).toEqual([
      { trials: 9, budget: 1 },
      { trials: 3, budget: 3 },
      { trials: 1, budget: 9 },
    ]);
    expect(rungsOf({ ...plan, budget: 4 })).toEqual([
      { trials: 9, budget: 1 },
      { trials: 3, budget: 4 },
    ]);
    expect(rungsOf({ ...plan, trials: 2 })).toEqual([{ trials: 2, budget: 9 }]);
    expect(rungsOf({ ...plan, method: 'random' })).toEqual([{ trials: 9, budget: 9 }]);
  });

  /** Scores each x by itself, and more with a larger budget. */
  const run = async (settings: Trial['settings'], budget: number) => Number(settings.x) + budget / 100;

  async function all(plan: SweepPlan, runner = run, done: Trial[] = []): Promise<Trial[]> {
    const trials: Trial[] = [];
    for await (const trial of sweep(plan, runner, done)) trials.push(trial);
    return trials;
  }

  test('keeps the best, whichever way that is', async () => {
    for (const best of ['largest', 'smallest'] as const) {
      const trials = await all({ ...plan, best });
      expect(trials.map(({ rung }) => rung)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2]);
      const xs = trials.slice(0, 9).map(({ settings }) => Number(settings.x));
      const winner = lastResults(trials, best)[0];
      expect(winner).toMatchObject({ rung: 2, budget: 9 });
      expect(winner.settings.x).toBe(best === 'largest' ? Math.max(...xs) : Math.min(...xs));
    }
  });

  test('goes on where it was stopped, and ends the same', async () => {
    const whole = await all(plan);
    const strip = (trials: Trial[]) => trials.map(({ seconds, ...rest }) => rest);
    for (const stop of [4, 9, 11]) {
      const done = whole.slice(0, stop);
      const rest = await all(plan, run, done);
      expect(strip([...done, ...rest])).toEqual(strip(whole));
    }
  });

  test('goes on after a setting that fails, which never wins', async () => {
    const fragile = async (settings: Trial['settings'], budget: number) => {
      if (Number(settings.x) > 0.5) throw new ClozeError('nan', 'the loss is NaN');
      return run(settings, budget);
    };
    const trials = await all(plan, fragile);
    const failed = trials.filter(({ score }) => score === null);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0].error).toBe('the loss is NaN');
    expect(Number(lastResults(trials, 'largest')[0].settings.x)).toBeLessThanOrEqual(0.5);
  });

  test('ends at an error that no setting is to blame for', async () => {
    const broken = () => Promise.reject(new ClozeError('io', 'the disk is gone'));
    await expect(all(plan, broken)).rejects.toThrow('the disk is gone');
  });
});
