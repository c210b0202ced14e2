import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { writeFolderAtomically } from '../../../src/mlm/data/files.node.ts';
import { taskFiles } from '../../../src/mlm/tasks/folder.ts';
import { taskNamed } from '../../../src/mlm/tasks/index.ts';
import { parseFinetuneOptions } from '../../../src/mlm/tasks/options.ts';
import { startTask } from '../../../src/mlm/tasks/session.node.ts';

test('a model that is named is what a run starts from, and from scratch it is none of its weights', async () => {
  using engine = await Engine.open();
  const folder = await mkdtemp(join(tmpdir(), 'cloze-session-'));
  const model = join(folder, 'body');
  const task = taskNamed('classification');
  const examples = ['one', 'two'].map((text) => ({ text, labels: [text] }));
  const data = { known: examples, train: examples, development: examples };
  const options = parseFinetuneOptions({
    task: task.name,
    data: '-',
    preset: 'nano',
    vocabSize: 40,
    seed: 1,
  });
  const body = await startTask(engine, task, data, options);
  await writeFolderAtomically(model, await taskFiles(body, options));
  const weight = async (own: object) => {
    const { slab } = await startTask(
      engine,
      task,
      data,
      parseFinetuneOptions({ ...options, seed: 2, model, ...own }),
    );
    return (await slab.read()).get('bert.encoder.layer.0.attention.self.query.weight');
  };
  const original = (await body.slab.read()).get('bert.encoder.layer.0.attention.self.query.weight');
  expect(await weight({})).toEqual(original);
  expect(await weight({ scratch: true })).not.toEqual(original);
  await rm(folder, { recursive: true });
});
