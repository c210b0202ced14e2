/** Tasks whose answer is a text: learn, save, read back, score and write, in small. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloze, jsonLines } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);

const words = [
  ...['cat chat', 'dog chien', 'bird oiseau', 'horse cheval', 'cow vache', 'hen poule'],
  ...['fish poisson', 'pig cochon'],
].map((pair) => pair.split(' '));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-seq2seq-'));
  const pairs = words.flatMap(([one, un]) =>
    words.map(([other, autre]) => `a ${one} and a ${other} here\tici un ${un} et un ${autre}`),
  );
  await writeFile(at('pairs.tsv'), pairs.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const quick = [
  '--preset',
  'nano',
  '--epochs',
  '20',
  '--eval-every',
  '20',
  '--batch-size',
  '16',
  '--lr',
  '3e-3',
];

test('a translation is learnt, scored with its signature beside a copy of the source, and the same when read back', async () => {
  const args = [
    'finetune',
    '--task',
    'translation',
    '--data',
    at('pairs.tsv'),
    '--vocab-size',
    '300',
    ...quick,
  ];
  const { code, out, err } = await cloze([
    ...args,
    '--label-smoothing',
    '0.1',
    '--out',
    at('model'),
    '--json',
  ]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = jsonLines(out);
  expect(events[0].signatures.bleu).toMatch(/^nrefs:1\|.*\|tok:13a\|/);
  expect(events[0].baseline.bleu).toBeLessThan(0.1);
  const { scores } = events.at(-1);
  expect(scores.bleu).toBeGreaterThan(0.6);
  const config = JSON.parse(await readFile(at('model/config.json'), 'utf8'));
  expect(config).toMatchObject({ task: 'translation', objective: 'seq2seq', model_type: 'cloze-bert' });

  const scored = await cloze(['eval', '--model', at('model'), '--json']);
  expect(jsonLines(scored.out)[0]).toMatchObject({ scores, baseline: events[0].baseline });
  const said = await cloze([
    'predict',
    '--model',
    at('model'),
    '--beams',
    '2',
    '--json',
    'a cow and a dog here',
  ]);
  const [{ text, translation, score }] = jsonLines(said.out);
  expect(text).toBe('a cow and a dog here');
  expect(translation).toMatch(/^ici un \w+ et un \w+$/);
  expect(score).toBeGreaterThan(0);
  // The same decoder behind the command that writes from sources.
  const generated = await cloze(['generate', '--model', at('model'), '--beams', '2', 'a cow and a dog here']);
  expect(generated.out.trim()).toBe(translation);
});

test('what a model has learnt to write it brings along', async () => {
  const args = ['finetune', '--task', 'translation', '--data', at('pairs.tsv'), '--model', at('model')];
  const one = ['--epochs', '1', '--batch-size', '64', '--lr', '1e-6', '--json'];
  const { out, err } = await cloze([...args, ...one]);
  expect(err).toBe('');
  expect(jsonLines(out).at(-1).scores.bleu).toBeGreaterThan(0.6);
  const anew = await cloze([...args, ...one, '--scratch']);
  expect(jsonLines(anew.out).at(-1).scores.bleu).toBeLessThan(0.1);
});

test('bad input is one line that says what is wrong', async () => {
  await writeFile(at('broken.tsv'), 'a cat\tun chat\na dog\n');
  const said = async (...args: string[]) => (await cloze(args)).err;
  expect(await said('finetune', '--task', 'translation', '--data', at('broken.tsv'))).toMatch(
    /line 2: it wants/,
  );
  await writeFile(at('broken.jsonl'), '{"text": "a b", "sumary": "a"}');
  expect(await said('finetune', '--task', 'summarization', '--data', at('broken.jsonl'))).toMatch(
    /line 1: summary is not valid.*with the fields text, summary/,
  );
  await writeFile(at('slots.jsonl'), '{"text": "Hi", "slots": {"a;b": "c"}, "response": "Hello"}');
  expect(await said('finetune', '--task', 'dialogue', '--data', at('slots.jsonl'))).toMatch(
    /a slot holds "a;b"/,
  );
  expect(await said('finetune', '--task', 'translation', '--data', 'generated')).toMatch(
    /no examples of its own/,
  );
  const beams = [
    'finetune',
    '--task',
    'similarity',
    '--data',
    'generated:20',
    '--preset',
    'nano',
    '--beams',
    '2',
  ];
  expect(await said(...beams)).toMatch(/similarity is not/);
  const smoothed = [...beams.slice(0, -2), '--label-smoothing', '0.1'];
  expect(await said(...smoothed)).toMatch(/similarity has no classes/);
});
