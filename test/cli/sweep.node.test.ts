import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloze } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);
let finetune: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-sweep-'));
  const texts = Array.from({ length: 32 }, (_, i) =>
    i % 2 === 0 ? `GOOD a fine cat ${i % 5}` : `BAD a dull cat ${i % 5}`,
  );
  await writeFile(at('texts.txt'), texts.join('\n'));
  await writeFile(at('story.txt'), texts.map((text) => `${text} sat on the mat.\n`).join('\n'));
  finetune = [
    'finetune',
    '--task',
    'classification',
    '--data',
    at('texts.txt'),
    '--preset',
    'nano',
    '--epochs',
    '2',
  ];
});
afterAll(() => rm(folder, { recursive: true }));

const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a sweep of fine-tuning', () => {
  const search = [
    '--search',
    'lr=log:1e-6..1e-2',
    '--search',
    'batch-size=4,8',
    '--trials',
    '4',
    '--eta',
    '2',
  ];

  test('halves its trials, keeps their results, draws them, and is begun once', async () => {
    const args = ['sweep', ...search, '--out', at('sweep'), '--json', '--', ...finetune];
    const { code, out, err } = await cloze(args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const events = lines(out);
    const trials = events.slice(0, -1);
    expect(trials.map(({ rung, budget }) => [rung, budget])).toEqual([
      ...new Array(4).fill([0, 1]),
      [1, 2],
      [1, 2],
    ]);
    for (const { settings, score } of trials) {
      expect(Object.keys(settings)).toEqual(['lr', 'batchSize']);
      expect(score).toBeGreaterThanOrEqual(0);
    }
    const { best } = events.at(-1);
    expect(best.score).toBe(Math.max(...trials.slice(4).map(({ score }) => score)));
    expect((await readdir(at('sweep'))).sort()).toEqual([
      'batch-size.svg',
      'lr.svg',
      'sweep.json',
      'trials.jsonl',
    ]);
    expect(lines(await readFile(at('sweep/trials.jsonl'), 'utf8'))).toHaveLength(6);
    expect((await cloze(args)).err).toMatch(/is not empty\. Go on with it by --resume/);

    // Cut off within the second rung, in the middle of a line.
    const kept = (await readFile(at('sweep/trials.jsonl'), 'utf8')).split('\n').slice(0, 5);
    await writeFile(at('sweep/trials.jsonl'), `${kept.join('\n')}\n{"trial": 1, "ru`);
    const resumed = lines((await cloze(['sweep', '--resume', ...args.slice(1)])).out);
    expect(resumed).toHaveLength(2);
    const strip = ({ seconds, ...rest }: Record<string, unknown>) => rest;
    expect(strip(resumed[0])).toEqual(strip(trials[5]));
    expect(strip(resumed[1].best)).toEqual(strip(best));
  });

  test.each([
    [['--search', 'lrr=1..2'], [], /there is no option lrr\. Known: task, data/],
    [['--search', 'lr=2..1'], [], /--search lr=2\.\.1: a range goes from a number to a larger one/],
    [['--search', 'lr=1..2', '--eta', '1'], [], /--eta is 1/],
    [['--search', 'lr=1..2', '--resume'], [], /there is no sweep in/],
    [['--search', 'lr=1..2'], ['--epochs', 'many'], /It takes a number/],
    [['--search', 'lr=1..2'], ['--model', 'no-such-folder'], /no-such-folder has no config\.json/],
  ])('%j %j is refused in one line', async (flags, more, message) => {
    const { code, err } = await cloze([
      'sweep',
      ...flags,
      '--out',
      at('refused'),
      '--',
      ...finetune,
      ...more,
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(message);
    expect(err.trim()).not.toContain('\n');
  });
});

describe('a sweep of training', () => {
  test('looks for the least validation loss, and leaves no model behind', async () => {
    const train = [
      'train',
      '--data',
      at('story.txt'),
      '--preset',
      'nano',
      '--vocab-size',
      '64',
      '--steps',
      '6',
    ];
    const args = [
      '--method',
      'random',
      '--trials',
      '2',
      '--search',
      'lr=log:1e-5..1e-1',
      '--out',
      at('rates'),
    ];
    const { code, out, err } = await cloze([
      'sweep',
      ...args,
      '--',
      ...train,
      '--seq-len',
      '16',
      '--batch-size',
      '4',
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('The best, by validation loss:');
    expect(out).toMatch(/npx cloze train .* --lr \S+ --out runs\/best/);
    const trials = lines(await readFile(at('rates/trials.jsonl'), 'utf8'));
    const scores = trials.map(({ score }) => score);
    expect(out.slice(out.indexOf('The best'))).toContain(`${Math.min(...scores).toFixed(3)} nats`);
    expect((await readdir(at('rates'))).sort()).toEqual(['lr.svg', 'sweep.json', 'trials.jsonl']);
  });

  test('by halving needs to know how many steps there are', async () => {
    const args = ['--search', 'lr=1..2', '--out', at('refused'), '--', 'train', '--data', at('story.txt')];
    expect((await cloze(['sweep', ...args])).err).toMatch(/train is given none\. Add --steps/);
    expect((await cloze(['sweep', ...args.slice(0, 4), '--', 'tune'])).err).toMatch(/cannot run tune/);
  });
});
