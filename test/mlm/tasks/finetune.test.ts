/** Tasks whose answers are no labels learn what is to be learnt. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { MemoryStore } from '../../../src/mlm/storage/storage.ts';
import { type FinetuneEvent, finetune } from '../../../src/mlm/tasks/finetune.ts';
import { startAnew } from '../../../src/mlm/tasks/folder.ts';
import { type Task, type TaskExample, taskNamed } from '../../../src/mlm/tasks/index.ts';
import { parseFinetuneOptions } from '../../../src/mlm/tasks/options.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

async function start(task: Task, examples: readonly TaskExample[]) {
  const corpus = examples.flatMap(({ text, pair = '' }) => [text, pair]);
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus, vocabSize: 200 });
  const config = presetConfig('nano', {
    vocab_size: tokenizer.vocabSize,
    max_position_embeddings: 32,
    norm_position: 'pre',
    position_embedding_type: 'rotary',
    hidden_dropout_prob: 0,
    attention_probs_dropout_prob: 0,
  });
  return startAnew(engine, config, tokenizer, { task, known: examples, seed: 0 });
}

async function learn(task: Task, examples: readonly TaskExample[], epochs: number) {
  const { trainee, slab } = await start(task, examples);
  const events: FinetuneEvent[] = [];
  const options = {
    ...parseFinetuneOptions({ task: task.name, data: '-' }),
    epochs,
    batchSize: 16,
    lr: 3e-3,
  };
  const data = { train: examples.slice(16), development: examples.slice(0, 16) };
  for await (const event of finetune(trainee, slab, data, options)) events.push(event);
  const last = events.at(-1);
  return { trainee, slab, scores: last?.event === 'eval' ? last.scores : {} };
}

test('questions are answered by parts of contexts that are longer than a row', async () => {
  const nouns = ['cat', 'dog', 'day', 'song', 'film', 'book', 'meal', 'game', 'tree', 'lake'];
  const colours = ['red', 'blue', 'green'];
  const examples = Array.from({ length: 96 }, (_, i): TaskExample => {
    const words = Array.from({ length: 40 }, (_, at) => nouns[(i * 7 + at * at) % nouns.length]);
    words.splice((i * 11) % 40, 0, colours[i % 3]);
    const pair = words.join(' ');
    return { text: 'which colour', pair, labels: [colours[i % 3]], starts: [pair.indexOf(colours[i % 3])] };
  });
  const { trainee, slab, scores } = await learn(taskNamed('qa'), examples, 3);
  expect(scores.exact_match).toBe(1);
  const [{ labels, scores: sure }] = await trainee.predict(engine, [
    { text: 'which colour', pair: 'a dog, a book, and a Blue song', labels: [] },
  ]);
  expect(labels).toEqual(['Blue']);
  expect(sure[0]).toBeGreaterThan(0.3);
  slab.dispose();
});

test('numbers are learnt for pairs of texts', async () => {
  const task = taskNamed('similarity');
  const words = ['one', 'two', 'three', 'four', 'five'];
  const examples = Array.from({ length: 96 }, (_, i): TaskExample => {
    const [a, b] = [i % 5, Math.floor(i / 5) % 5];
    return { text: words[a], pair: words[b], labels: [String(a - b)] };
  });
  const { slab, scores } = await learn(task, examples, 12);
  expect(scores.pearson).toBeGreaterThan(0.9);
  slab.dispose();
});

test('a run that was ended after an epoch goes on to the same bits', async () => {
  const task = taskNamed('classification');
  const words = ['one', 'two', 'three', 'four', 'five', 'six'];
  const examples = words.flatMap((a, i) =>
    words.map((b): TaskExample => ({ text: `${a} ${b}`, labels: [i % 2 ? 'odd' : 'even'] })),
  );
  const data = { train: examples, development: examples };
  const options = {
    ...parseFinetuneOptions({ task: task.name, data: '-' }),
    epochs: 3,
    batchSize: 16,
    lr: 3e-3,
  };
  const straight = await start(task, examples);
  for await (const _ of finetune(straight.trainee, straight.slab, data, options));
  const store = new MemoryStore();
  const first = await start(task, examples);
  for await (const { event } of finetune(first.trainee, first.slab, data, options, { store })) {
    if (event === 'eval') break;
  }
  const second = await start(task, examples);
  const steps: number[] = [];
  const goOn = { store, resume: true };
  for await (const event of finetune(second.trainee, second.slab, data, options, goOn)) {
    if (event.event === 'step') steps.push(event.step);
  }
  expect(steps).toEqual([4, 5, 6, 7, 8, 9]);
  expect(await second.slab.read()).toEqual(await straight.slab.read());

  const third = await start(task, examples);
  const other = finetune(third.trainee, third.slab, data, { ...options, lr: 1e-3 }, goOn);
  await expect(other.next()).rejects.toThrow(/started with lr 0.003, not 0.001/);
  const nothing = finetune(third.trainee, third.slab, data, options, {
    store: new MemoryStore(),
    resume: true,
  });
  await expect(nothing.next()).rejects.toThrow(/no checkpoint to resume/);
  for (const { slab } of [straight, first, second, third]) slab.dispose();
});

test('each layer learns at a share of the rate of the one above it', async () => {
  const task = taskNamed('classification');
  const examples = ['one', 'two', 'three', 'four'].map(
    (text, i): TaskExample => ({ text, labels: [i < 2 ? 'few' : 'many'] }),
  );
  const { trainee, slab } = await start(task, examples);
  const before = await slab.read();
  const options = { ...parseFinetuneOptions({ task: task.name, data: '-' }), epochs: 1, batchSize: 4 };
  const settings = { ...options, lr: 1e-2, warmup: 0, weightDecay: 0, layerDecay: 0.5 };
  for await (const _ of finetune(trainee, slab, { train: examples, development: examples }, settings));
  const after = await slab.read();
  // AdamW's first step moves a value by its learning rate, whatever its gradient is.
  const moved = (pattern: RegExp) => {
    const names = [...after.keys()].filter((name) => pattern.test(name));
    return Math.max(
      ...names.flatMap((name) =>
        [...after.get(name)!].map((value, i) => Math.abs(value - before.get(name)![i])),
      ),
    );
  };
  const head = moved(/^classifier\.|pooler/);
  expect(moved(/layer\.1\./) / head).toBeCloseTo(0.5, 2);
  expect(moved(/layer\.0\./) / head).toBeCloseTo(0.25, 2);
  expect(moved(/embeddings/) / head).toBeCloseTo(0.125, 2);
  slab.dispose();
});
