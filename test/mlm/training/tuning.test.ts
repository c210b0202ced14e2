import { describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { Tuning } from '../../../src/kernels/index.ts';
import {
  MemoryStore,
  parseOptions,
  stepProblems,
  tuneRun,
  vocabularySession,
} from '../../../src/mlm/index.ts';

describe('the problems of a step', () => {
  test('are those of forward, backward and update, at the sizes of the run', async () => {
    using engine = await Engine.open();
    const options = parseOptions({ preset: 'nano', seqLen: 8, batchSize: 2, steps: 100 });
    const problems = await stepProblems(engine, vocabularySession(97, 8, 2), options);
    const ofKernel = (name: string) =>
      problems.filter(({ spec }) => spec.name === name).map(({ problem }) => problem);
    for (const name of ['matmul', 'layerNormBackward', 'embeddingBackward', 'adamw'])
      expect(ofKernel(name), name).not.toHaveLength(0);
    expect(ofKernel('crossEntropy')).toMatchObject([{ columns: 97 }]);
    expect(ofKernel('embedding')).toContainEqual(expect.objectContaining({ rows: 97, n: 16 }));
    expect(engine.launcher.problems).toEqual([]);
    expect(engine.memory().live).toBeLessThan(3000);
  });
});

describe('a run', () => {
  const choices = [{ kernel: 'accumulate', problem: '{"count":4}', variant: 'scalar' }];

  test('that is resumed keeps the choices that it began with', async () => {
    using engine = await Engine.open();
    const store = new MemoryStore();
    await store.write('tuning.json', JSON.stringify(choices));
    await tuneRun(engine, store, { resume: true, use: true });
    expect(engine.launcher.tuning?.choices).toEqual(choices);
    await tuneRun(engine, store, { resume: true, use: false });
    expect(engine.launcher.tuning).toBeUndefined();
  });

  test('that began without any has none when it is resumed', async () => {
    using engine = await Engine.open();
    engine.launcher.tuning = new Tuning(choices);
    await tuneRun(engine, new MemoryStore(), { resume: true, use: true });
    expect(engine.launcher.tuning).toBeUndefined();
  });
});
