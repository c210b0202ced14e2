import { expect, test } from 'vitest';
import { changesOf, nextRun, withReplay } from '../../../src/mlm/tasks/continual.ts';
import { parseFinetuneOptions } from '../../../src/mlm/tasks/options.ts';

const examples = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: `${name} ${i}`, labels: ['x'] }));

test('as many earlier examples come again as the share of the new ones says', () => {
  const [fresh, earlier] = [examples('new', 20), examples('old', 100)];
  const mixed = withReplay(fresh, earlier, 0.5, 3);
  expect(mixed.slice(0, 20)).toEqual(fresh);
  const again = mixed.slice(20).map(({ text }) => text);
  expect(again).toHaveLength(10);
  expect(new Set(again).size).toBe(10);
  expect(again.every((text) => text.startsWith('old'))).toBe(true);
  expect(withReplay(fresh, earlier, 0.5, 3)).toEqual(mixed);
  expect(withReplay(fresh, earlier, 0.5, 4)).not.toEqual(mixed);
});

test('none come where none are asked for or there, and each once where there are few', () => {
  const fresh = examples('new', 20);
  expect(withReplay(fresh, examples('old', 5), 0, 0)).toEqual(fresh);
  expect(withReplay(fresh, [], 1, 0)).toEqual(fresh);
  expect(withReplay(fresh, examples('old', 5), 1, 0)).toHaveLength(25);
});

test('what was forgotten is below zero, by metric', () => {
  const probes = [
    { data: 'spring', examples: [] },
    { data: 'summer', examples: [] },
  ];
  const changes = changesOf(
    probes,
    [{ accuracy: 0.9 }, { accuracy: 0.25 }],
    [{ accuracy: 0.65 }, { accuracy: 0.75 }],
  );
  expect(changes.map(({ data, change }) => [data, change.accuracy])).toEqual([
    ['spring', -0.25],
    ['summer', 0.5],
  ]);
});

test('a run that goes on reads rows as the last one did, and has settings of its own', () => {
  const last = parseFinetuneOptions({
    task: 'classification',
    data: 'spring',
    seqLen: 32,
    lr: 0.5,
    freeze: 1,
  });
  const next = parseFinetuneOptions(nextRun(last, { data: 'summer', epochs: 2 }));
  expect(next).toMatchObject({
    task: 'classification',
    data: 'summer',
    seqLen: 32,
    epochs: 2,
    lr: 5e-4,
    freeze: 0,
  });
});
