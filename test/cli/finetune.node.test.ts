/** Pre-train, fine-tune, save, read back, predict: the whole way in small. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSafetensors, serializeSafetensors } from '../../src/nn/index.ts';
import { cloze, jsonLines } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);
const quick = ['--preset', 'nano', '--epochs', '6', '--batch-size', '8', '--lr', '3e-3'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-finetune-'));
  const nouns = ['cat', 'dog', 'day', 'song', 'film', 'book', 'meal', 'game'];
  const texts = Array.from({ length: 96 }, (_, i) => {
    const noun = nouns[(i >> 1) % 8];
    return i % 2 === 0 ? `GOOD a fine ${noun} indeed` : `BAD a dull ${noun} indeed`;
  });
  await writeFile(at('texts.txt'), texts.join('\n'));
  const sentences = Array.from(
    { length: 96 },
    (_, i) => `the\tO\n${['Anna', 'Otto'][i % 2]}\tB-person\n${nouns[i % 8]}\tO\n`,
  );
  await writeFile(at('words.conll'), sentences.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a classifier learns, is saved as Hugging Face names things, and says the same when read back', async () => {
  const args = ['finetune', '--task', 'classification', '--data', at('texts.txt'), ...quick];
  const { code, out, err } = await cloze([...args, '--out', at('classifier'), '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = jsonLines(out);
  expect(events[0].baseline.accuracy).toBeLessThan(0.8);
  expect(events.at(-1)).toMatchObject({ event: 'eval', epoch: 6, scores: { accuracy: 1, macro_f1: 1 } });
  const config = JSON.parse(await readFile(at('classifier/config.json'), 'utf8'));
  expect(config).toMatchObject({
    architectures: ['BertForSequenceClassification'],
    problem_type: 'single_label_classification',
    id2label: { 0: 'BAD', 1: 'GOOD' },
    label2id: { BAD: 0, GOOD: 1 },
  });
  const said = await cloze([
    'predict',
    '--model',
    at('classifier'),
    '--json',
    'a dull cat indeed',
    'a fine day indeed',
  ]);
  expect(jsonLines(said.out).map(({ label }) => label)).toEqual(['BAD', 'GOOD']);
  const again = await cloze(['eval', '--model', at('classifier'), '--json']);
  const { scores, baseline, examples } = jsonLines(again.out)[0];
  expect({ scores, baseline }).toEqual({ scores: events.at(-1).scores, baseline: events[0].baseline });
  expect(examples).toBe(events[0].development);
  const scored = await cloze(['eval', '--model', at('classifier'), '--data', at('texts.txt'), '--json']);
  expect(jsonLines(scored.out)[0]).toMatchObject({ examples: 96, scores: { accuracy: 1 } });
});

test('the body of a model serves another task; frozen layers stay as they were', async () => {
  const args = [
    'finetune',
    '--task',
    'ner',
    '--data',
    at('words.conll'),
    ...quick,
    '--model',
    at('classifier'),
  ];
  const { code, out, err } = await cloze([...args, '--freeze', '1', '--out', at('ner'), '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(jsonLines(out).at(-1).scores.entity_f1).toBeGreaterThan(0.9);
  const weights = async (name: string) =>
    parseSafetensors(await readFile(at(`${name}/model.safetensors`))).tensors;
  const [before, after] = [await weights('classifier'), await weights('ner')];
  const changed = [...after.keys()].filter(
    (name) => before.has(name) && Buffer.compare(before.get(name)!.bytes, after.get(name)!.bytes) !== 0,
  );
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.filter((name) => /embeddings|layer\.0\./.test(name))).toEqual([]);
  const said = await cloze(['predict', '--model', at('ner'), 'the Anna game']);
  expect(said.out.trim()).toBe('the Anna/B-person game');
});

test('a model that learns by adaptations is saved with them in its weights', async () => {
  const args = ['finetune', '--task', 'ner', '--data', at('words.conll'), ...quick];
  const lora = ['--lora-rank', '4', '--lora-targets', 'query', 'value', '--model', at('classifier')];
  const { code, out, err } = await cloze([...args, ...lora, '--out', at('lora'), '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = jsonLines(out);
  // Of a body of width 64 and two layers, two matrices in each of two layers, of 4·64·2 values; of the head, 64·2 and 2.
  expect(events[0].parameters).toBe(4 * 512 + 130);
  const { tensors } = parseSafetensors(await readFile(at('lora/model.safetensors')));
  expect([...tensors.keys()].filter((name) => name.includes('lora'))).toEqual([]);
  const again = await cloze(['eval', '--model', at('lora'), '--json']);
  expect(jsonLines(again.out)[0].scores).toEqual(events.at(-1).scores);
  expect(jsonLines(again.out)[0].scores.entity_f1).toBeGreaterThan(0.9);
});

test('bad input is one line that says what is wrong', async () => {
  await writeFile(at('strange.txt'), 'GOOD a fine cat\nUGLY a fine cat');
  const strange = await cloze(['eval', '--model', at('classifier'), '--data', at('strange.txt')]);
  expect(strange.code).toBe(1);
  expect(strange.err).toMatch(
    /strange\.txt, line 2: the label "UGLY" is none of the model's\. Known: BAD, GOOD/,
  );
  await writeFile(at('strange.conll'), 'the\tO\n\nthe\tO\nOtto\tB-dog\n');
  const wrong = ['--data', at('words.conll'), '--development', at('strange.conll'), ...quick];
  expect((await cloze(['finetune', '--task', 'ner', ...wrong])).err).toMatch(
    /strange\.conll, line 3, word 2 \("Otto"\): the label "B-dog" is none of the model's\. Known: B-person, O/,
  );
  const deaf = await cloze(['eval', '--model', at('classifier'), '--mask-rate', '0.3']);
  expect(deaf.err).toMatch(/--mask-rate is for language models/);
  const deep = ['--data', at('texts.txt'), '--preset', 'nano', '--freeze', '3'];
  expect((await cloze(['finetune', '--task', 'classification', ...deep])).err).toMatch(/The model has 2/);
  expect((await cloze(['finetune', '--data', at('texts.txt')])).err).toMatch(/--task <name>/);
  expect((await cloze(['finetune', '--task', 'poetry', '--data', at('texts.txt')])).err).toMatch(
    /Known: classification/,
  );

  const { tensors } = parseSafetensors(await readFile(at('classifier/model.safetensors')));
  const broken = new Map(tensors);
  broken.delete('classifier.bias');
  broken.set('classifier.scale', tensors.get('classifier.bias')!);
  broken.set('classifier.weight', tensors.get('classifier.bias')!);
  await writeFile(at('classifier/model.safetensors'), serializeSafetensors(broken));
  const { code, err } = await cloze(['predict', '--model', at('classifier'), 'a text']);
  expect(code).toBe(1);
  for (const part of [
    'missing: classifier.bias',
    'unknown to the model: classifier.scale',
    'classifier.weight is [2]',
  ]) {
    expect(err).toContain(part);
  }
});
