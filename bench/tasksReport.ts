/** What `cloze bench tasks` tells: a line for each task and share of the labels. */

import type { TaskScores } from '../src/mlm/tasks/task.ts';
import { type Interval, interval } from './interval.ts';

/** What a model starts from and learns from. */
export const arms = ['scratch', 'pre-trained', 'shuffled text', 'shuffled labels'] as const;

export type Arm = (typeof arms)[number];

/** What one model scored. */
export interface ArmScore {
  task: string;
  arm: Arm;
  fraction: number;
  seed: number;
  /** Examples that were learnt from. */
  train: number;
  development: number;
  scores: TaskScores;
  baseline: TaskScores;
}

export interface TaskLine {
  task: string;
  metric: string;
  fraction: number;
  train: number;
  seeds: number;
  baseline: number;
  /** Mean scores; undefined where an arm was not run. */
  means: Partial<Record<Arm, number>>;
  /** Of an arm over scratch, seed by seed. */
  gains: Partial<Record<Arm, Interval>>;
}

/** Scores by task and fraction, in the order in which they first come; the metric is each task's first. */
export function taskLines(scores: readonly ArmScore[]): TaskLine[] {
  const groups = new Map<string, ArmScore[]>();
  for (const score of scores) {
    const key = `${score.task} ${score.fraction}`;
    groups.set(key, [...(groups.get(key) ?? []), score]);
  }
  const lines = [...groups.values()].map((group): TaskLine => {
    const [{ task, fraction, train, scores, baseline }] = group;
    const [metric] = Object.keys(scores);
    const of = (arm: Arm) =>
      new Map(group.filter((one) => one.arm === arm).map((one) => [one.seed, one.scores[metric]]));
    const scratch = of('scratch');
    const means: TaskLine['means'] = {};
    const gains: TaskLine['gains'] = {};
    for (const arm of new Set(group.map((one) => one.arm))) {
      const own = of(arm);
      means[arm] = interval([...own.values()]).mean;
      const pairs = [...own].filter(([seed]) => scratch.has(seed));
      if (arm !== 'scratch' && pairs.length > 0)
        gains[arm] = interval(pairs.map(([seed, score]) => score - (scratch.get(seed) as number)));
    }
    return { task, metric, fraction, train, seeds: scratch.size, baseline: baseline[metric], means, gains };
  });
  const tasks = [...new Set(lines.map(({ task }) => task))];
  return lines.sort((a, b) => tasks.indexOf(a.task) - tasks.indexOf(b.task) || a.fraction - b.fraction);
}

const percent = (value: number | undefined) => (value === undefined ? '' : (100 * value).toFixed(1));

const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(1)}`;

const gain = (of: Interval | undefined) =>
  of ? `${signed(of.mean)}${Number.isNaN(of.low) ? '' : ` [${signed(of.low)}, ${signed(of.high)}]`}` : '';

/** A table in Markdown, in percent. */
export function tasksMarkdown(lines: readonly TaskLine[]): string[] {
  const head = [
    'task',
    'metric',
    'labels',
    'baseline',
    'from scratch',
    'pre-trained',
    'gain, 95 %',
    'shuffled text, gain',
    'shuffled labels',
    'seeds',
  ];
  const cells = lines.map(({ task, metric, fraction, train, seeds, baseline, means, gains }) => [
    task,
    metric.replaceAll('_', ' '),
    `${+(100 * fraction).toFixed(2)} % (${train.toLocaleString('en-US')})`,
    percent(baseline),
    percent(means.scratch),
    percent(means['pre-trained']),
    gain(gains['pre-trained']),
    gain(gains['shuffled text']),
    percent(means['shuffled labels']),
    String(seeds),
  ]);
  const rule = head.map((_, i) => (i < 3 ? '---' : '---:'));
  return [head, rule, ...cells].map((row) => `| ${row.join(' | ')} |`);
}
