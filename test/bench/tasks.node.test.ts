import { expect, test } from 'vitest';
import { interval } from '../../bench/interval.ts';
import { shuffleWords } from '../../bench/tasks.node.ts';
import { type Arm, type ArmScore, taskLines, tasksMarkdown } from '../../bench/tasksReport.ts';

test("the interval is Student's", () => {
  // Mean 3, variance 2.5, t of four degrees of freedom 2.776: 2.776 · sqrt(2.5 / 5) = 1.963.
  const { mean, low, high } = interval([1, 2, 3, 4, 5]);
  expect(mean).toBe(3);
  expect(low).toBeCloseTo(3 - 1.963, 3);
  expect(high).toBeCloseTo(3 + 1.963, 3);
  expect(interval([2])).toEqual({ mean: 2, low: Number.NaN, high: Number.NaN });
});

test('words in random order are the same words, in lines of the same lengths', () => {
  const lines = ['one two three', 'four', 'five six'];
  const shuffled = shuffleWords(lines, 1);
  expect(shuffled.map((line) => line.split(' ').length)).toEqual([3, 1, 2]);
  expect(shuffled.join(' ').split(' ').sort()).toEqual(lines.join(' ').split(' ').sort());
  expect(shuffled).not.toEqual(lines);
});

test('gains are differences seed by seed, and stand beside the means', () => {
  const score = (arm: Arm, seed: number, accuracy: number, fraction = 0.1): ArmScore => ({
    task: 'trec',
    arm,
    seed,
    fraction,
    train: 1490,
    development: 10,
    scores: { accuracy, macro_f1: 0 },
    baseline: { accuracy: 0.25, macro_f1: 0 },
  });
  const lines = taskLines([
    score('scratch', 0, 0.5, 1),
    ...[0, 1, 2].flatMap((seed) => [
      score('scratch', seed, 0.5 + seed / 10),
      score('pre-trained', seed, 0.6 + seed / 5),
    ]),
    score('shuffled labels', 0, 0.2),
    score('shuffled text', 0, 0.4),
  ]);
  expect(lines.map(({ fraction }) => fraction)).toEqual([0.1, 1]);
  const [tenth] = lines;
  expect(tenth).toMatchObject({ metric: 'accuracy', seeds: 3, baseline: 0.25 });
  expect(tenth.means.scratch).toBeCloseTo(0.6, 12);
  // 0.1, 0.2 and 0.3: mean 0.2, 4.303 · 0.1 / sqrt(3) = 0.248.
  expect(tenth.gains['pre-trained']?.mean).toBeCloseTo(0.2, 12);
  expect(tenth.gains['pre-trained']?.low).toBeCloseTo(0.2 - 0.2484, 4);
  expect(tasksMarkdown(lines)[2]).toBe(
    '| trec | accuracy | 10 % (1,490) | 25.0 | 60.0 | 80.0 | +20.0 [−4.8, +44.8] | −10.0 | 20.0 | 3 |',
  );
});
