import { expect, test } from 'vitest';
import { common, runs, tableLines } from '../../bench/objectives.ts';
import { type DoneEvent, parseOptions } from '../../src/mlm/index.ts';
import { objectiveNames } from '../../src/mlm/objectives/index.ts';

const done = (valLoss: number, valAccuracy: number, bars: object) =>
  ({
    steps: 9,
    valLoss,
    valAccuracy,
    baselines: { unigram: { loss: 4, accuracy: 0.1 }, ...bars },
  }) as DoneEvent;

test('the table has means, and the largest distance of a seed from them', () => {
  const neighbours = { neighbours: { loss: 0.7, accuracy: 0.75 } };
  const lines = tableLines({
    'mlm 40 %': [done(0.5, 0.8, neighbours), done(0.6, 0.82, neighbours), done(0.55, 0.84, neighbours)],
    causal: [done(0.3, 0.9, { ngrams: { loss: 0.8, accuracy: 0.7 } })],
    t5: [],
  });
  expect(lines.slice(2)).toEqual([
    '| `mlm` 40 % | 9 | 3 | 0.550 ± 0.050 | 82.0 ± 2.0 | 0.700 ± 0.000 | 75.0 ± 0.0 | 4.000 ± 0.000 |',
    '| `causal` | 9 | 1 | 0.300 | 90.0 | 0.800 | 70.0 | 4.000 |',
  ]);
});

test('every objective has a run, whose arguments are options that it has', () => {
  const used = Object.values(runs).map((args) => {
    const pairs = `${common} ${args}`
      .split('--')
      .slice(1)
      .map((flag) => flag.trim().split(' '));
    const options = Object.fromEntries(
      pairs.map(([flag, value]) => {
        const name = flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
        if (name === 'data') return [name, [value]];
        if (value.includes(',')) return [name, value.split(',').map(Number)];
        return [name, Number.isNaN(Number(value)) ? value : Number(value)];
      }),
    );
    return parseOptions(options).objective;
  });
  expect([...new Set(used)].sort()).toEqual([...objectiveNames].sort());
});
