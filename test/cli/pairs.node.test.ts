/** Tasks whose examples are two texts, on the command line. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloze, jsonLines } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const quick = ['--preset', 'nano', '--epochs', '1', '--batch-size', '16', '--json'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-pairs-'));
  const paragraphs = Array.from({ length: 12 }, (_, i) => {
    const context = `In the year ${1900 + i} a ship left the harbour. It came back ${i + 2} days later.`;
    const answer = `${1900 + i}`;
    const qas = [
      {
        id: `q${i}`,
        question: 'When did it leave?',
        answers: [{ text: answer, answer_start: context.indexOf(answer) }],
      },
    ];
    return { context, qas };
  });
  await writeFile(at('squad.json'), JSON.stringify({ data: [{ paragraphs }] }));
});
afterAll(() => rm(folder, { recursive: true }));

test('questions: train, score what was held out, answer one', async () => {
  const args = [
    'finetune',
    '--task',
    'qa',
    '--data',
    at('squad.json'),
    '--seq-len',
    '24',
    '--doc-stride',
    '8',
  ];
  const { code, out, err } = await cloze([...args, ...quick, '--out', at('qa')]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = jsonLines(out);
  // The sentence with the question's words holds the answer, and is not it.
  expect(events[0].baseline).toMatchObject({ exact_match: 0 });
  expect(Object.keys(events.at(-1).scores)).toEqual(['f1', 'exact_match']);
  expect(JSON.parse(await readFile(at('qa/config.json'), 'utf8')).architectures).toEqual([
    'BertForQuestionAnswering',
  ]);
  const again = await cloze(['eval', '--model', at('qa'), '--json']);
  expect(jsonLines(again.out)[0].scores).toEqual(events.at(-1).scores);
  const context = 'In the year 1950 a ship left the harbour.';
  const said = await cloze(['predict', '--model', at('qa'), '--json', `When did it leave?\t${context}`]);
  const [{ text, pair, label, score }] = jsonLines(said.out);
  expect({ text, pair }).toEqual({ text: 'When did it leave?', pair: context });
  expect(context).toContain(label);
  expect(score).toBeGreaterThan(0);
  const lone = await cloze(['predict', '--model', at('qa'), 'When did it leave?']);
  expect(lone.err).toMatch(/no question with its context.*a tab and the context/);
});

test('numbers: train on pairs that are generated, score pairs in a file, rate one', async () => {
  const args = ['finetune', '--task', 'similarity', '--data', 'generated:80', '--out', at('similarity')];
  const { code, out, err } = await cloze([...args, ...quick, '--pooling', 'mean']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(jsonLines(out)[0]).toMatchObject({ train: 72, development: 8 });
  const again = await cloze(['eval', '--model', at('similarity'), '--json']);
  expect(jsonLines(again.out)[0].scores).toEqual(jsonLines(out).at(-1).scores);
  expect(JSON.parse(await readFile(at('similarity/config.json'), 'utf8')).classifier_pooling).toBe('mean');
  await writeFile(at('pairs.tsv'), 'a boat\ta ship\t5\na boat\ta rock\t0\na boat\ta boat\t5\n');
  const scored = await cloze(['eval', '--model', at('similarity'), '--data', at('pairs.tsv'), '--json']);
  const [{ examples, scores, baseline }] = jsonLines(scored.out);
  expect(examples).toBe(3);
  expect(Object.keys(scores)).toEqual(['pearson', 'spearman']);
  // One third, one third and all of the words are common, of 5, 0 and 5.
  expect(baseline.pearson).toBeCloseTo(0.5, 12);
  const said = await cloze(['predict', '--model', at('similarity'), '--json', 'a boat\ta ship']);
  expect(Number.isFinite(Number(jsonLines(said.out)[0].label))).toBe(true);
  const words = await cloze([
    'finetune',
    '--task',
    'qa',
    '--data',
    at('squad.json'),
    '--pooling',
    'mean',
    ...quick,
  ]);
  expect(words.err).toMatch(/qa has no one answer for a whole text/);
  const none = await cloze(['finetune', '--task', 'ner', '--data', 'generated', ...quick]);
  expect(none.err).toMatch(/the task ner has no examples of its own/);
});
