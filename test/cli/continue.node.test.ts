/** A model learns of fruit, then of tools: without the fruit among the tools it forgets it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloze } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);

/** The first file's words mean one label, and in the second file, of other words, labels lean the other way. */
const texts = (good: readonly string[], bad: readonly string[], count: number) =>
  Array.from({ length: count }, (_, i) => {
    const words = i % 2 === 0 ? good : bad;
    return `${i % 2 === 0 ? 'GOOD' : 'BAD'} the ${words[(i >> 1) % words.length]} is here`;
  }).join('\n');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-continue-'));
  await writeFile(at('spring.txt'), texts(['apple', 'pear', 'plum'], ['nail', 'saw', 'drill'], 72));
  // The same words with the labels exchanged for half of them: what was right is wrong now.
  await writeFile(at('summer.txt'), texts(['nail', 'saw'], ['apple', 'pear'], 72));
  const args = ['finetune', '--task', 'classification', '--data', at('spring.txt'), '--preset', 'nano'];
  const { err } = await cloze([
    ...args,
    '--epochs',
    '5',
    '--batch-size',
    '8',
    '--lr',
    '3e-3',
    '--out',
    at('spring'),
  ]);
  expect(err).toBe('');
});
afterAll(() => rm(folder, { recursive: true }));

const lines = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

test('new examples are learnt, old ones forgotten, and both are told; runs add up to a history', async () => {
  const settings = ['--epochs', '4', '--batch-size', '8', '--lr', '3e-3', '--json'];
  const args = ['continue', '--model', at('spring'), '--data', at('summer.txt'), ...settings];
  const { code, out, err } = await cloze([...args, '--replay', '0', '--out', at('summer')]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = lines(out);
  expect(events[0]).toMatchObject({ fresh: 65, replayed: 0 });
  const [old, fresh] = events.at(-1).changes;
  expect(old.data).toBe(at('spring.txt'));
  expect(old.before.accuracy).toBe(1);
  expect(old.change.accuracy).toBeLessThan(-0.2);
  expect(fresh.change.accuracy).toBeGreaterThan(0.2);

  const replayed = lines((await cloze([...args, '--replay', '1'])).out);
  expect(replayed[0]).toMatchObject({ fresh: 65, replayed: 65 });
  expect(replayed.at(-1).changes[0].after.accuracy).toBeGreaterThan(old.after.accuracy);

  const history = JSON.parse(await readFile(at('summer/history.json'), 'utf8'));
  expect(history.map(({ data }: { data: string }) => data)).toEqual([at('spring.txt')]);
  const again = await cloze([
    'continue',
    '--model',
    at('summer'),
    '--data',
    at('spring.txt'),
    '--epochs',
    '1',
  ]);
  expect(again.err).toBe('');
  expect(again.out).toMatch(
    /accuracy +before +after\n.*spring\.txt .*\n.*summer\.txt .*\n.*spring\.txt .* learnt/,
  );
});

test.each([
  [['--replay', '-1'], /--replay is -1\. Use a number from 0/],
  [['--data', 'no-such.txt'], /no-such\.txt/],
])('%j is refused in one line', async (flags, message) => {
  const { code, err } = await cloze([
    'continue',
    '--model',
    at('spring'),
    '--data',
    at('summer.txt'),
    ...flags,
  ]);
  expect(code).toBe(1);
  expect(err).toMatch(message);
  expect(err.trim()).not.toContain('\n');
});
