import { expect, test } from 'vitest';
import { divide, sample, withShuffledLabels } from '../../../src/mlm/tasks/examples.ts';
import { similarityPairs } from '../../../src/mlm/tasks/similarityPairs.ts';
import type { TaskExample } from '../../../src/mlm/tasks/task.ts';

const texts = Array.from({ length: 100 }, (_, i): TaskExample => ({ text: `t${i}`, labels: [`l${i}`] }));
const all = { validation: 0.1, labelFraction: 1, shuffleLabels: false, seed: 3 };

test('what is held out does not depend on the seed, and fewer examples are among more', () => {
  const whole = divide(texts, undefined, all);
  expect([whole.known.length, whole.train.length, whole.development.length]).toEqual([100, 90, 10]);
  expect(divide(texts, undefined, { ...all, seed: 4 }).development).toEqual(whole.development);
  const tenth = divide(texts, undefined, { ...all, labelFraction: 0.1 });
  expect(tenth.development).toEqual(whole.development);
  expect(tenth.train.length).toBe(9);
  expect(sample(whole.train, 0.5, 3)).toEqual(expect.arrayContaining([...tenth.train]));
  expect(divide(texts, texts.slice(0, 5), all)).toMatchObject({
    train: texts,
    development: texts.slice(0, 5),
  });
});

test('questions about one text are held out together', () => {
  const questions = texts.map((example, i) => ({ ...example, pair: `p${i % 20}`, starts: [i] }));
  const { train, development } = divide(questions, undefined, all, ({ pair }) => pair);
  expect(development.length).toBe(10);
  expect(new Set(development.map(({ pair }) => pair)).size).toBe(2);
  const held = new Set(development.map(({ pair }) => pair));
  expect(train.filter(({ pair }) => held.has(pair))).toEqual([]);
});

test('shuffled labels are those of others; answers stay with their text and their place', () => {
  const shuffled = withShuffledLabels(texts, 1);
  expect(shuffled.map(({ text }) => text)).toEqual(texts.map(({ text }) => text));
  expect(shuffled.map(({ labels }) => labels[0]).sort()).toEqual(texts.map(({ labels }) => labels[0]).sort());
  expect(shuffled.filter(({ labels }, i) => labels[0] === texts[i].labels[0]).length).toBeLessThan(10);
  const questions = texts.map((example, i) => ({ ...example, pair: `p${i % 4}`, starts: [i] }));
  for (const { pair, labels, starts } of withShuffledLabels(questions, 1)) {
    expect(labels[0]).toBe(`l${starts?.[0]}`);
    expect(pair).toBe(`p${(starts?.[0] ?? 0) % 4}`);
  }
});

test('generated pairs are functions of the seed, and share as many facts as they say', () => {
  const pairs = similarityPairs(300, 1);
  expect(similarityPairs(10, 1)).toEqual(pairs.slice(0, 10));
  expect(similarityPairs(10, 2)).not.toEqual(pairs.slice(0, 10));
  expect(new Set(pairs.map(({ labels }) => labels[0]))).toEqual(new Set(['0', '1', '2', '3', '4', '5']));
  const places = /wood|forest|trees|shore|sea|shop|store|home|house|road|street/;
  const unlike = pairs.filter(({ labels }) => labels[0] === '0');
  for (const { text, pair = '' } of unlike) expect(places.exec(text)?.[0]).not.toBe(places.exec(pair)?.[0]);
});
