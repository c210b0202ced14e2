/**
 * Runs whose adapter really has no memory left: the process may take no more. On SwiftShader, since lavapipe tells of no failed
 * allocation, and crashes when it uses one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  type OutOfMemoryEvent,
  parseOptions,
  type StepEvent,
  SurvivingTrainer,
  type TrainEvent,
  type TrainOptionsInput,
} from '../../../src/mlm/index.ts';
import { limitBuffers, noShortage, withMemoryFor } from '../../gpu/shortage.node.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open({ adapter: 'swiftshader' });
});
afterAll(() => engine.close());

const MiB = 2 ** 20;

test('a buffer that there is no memory for is told with what was asked, what is in use and what to lower', async (context) => {
  if (noShortage) return context.skip(noShortage);
  const { device } = engine;
  const held = device.acquire(3 * MiB, 'weights');
  const buffers = [held];
  await expect(
    withMemoryFor(256 * MiB, async () => {
      for (let i = 0; i < 8; i++) buffers.push(device.acquire(64 * MiB, `logits ${i}`));
      device.clear({ buffer: buffers[8], offset: 0, size: 64 * MiB });
      await device.synchronize();
    }),
  ).rejects.toThrow(
    /^the adapter has no memory for logits \d: 64 MiB were asked for, while [\d.]+ MiB were in use and .* kept for reuse\. Lower the batch size/,
  );
  for (const buffer of buffers) device.release(buffer);
  await device.settle();
  device.trim();
  expect(await engine.tensor([1, 2]).data()).toEqual(Float32Array.of(1, 2));
});

describe('a run that lacks memory', () => {
  const options: TrainOptionsInput = {
    data: ['synthetic:clock'],
    preset: 'nano',
    layers: 1,
    batchSize: 16,
    seqLen: 66,
    steps: 3,
    evalEvery: 3,
    evalSequences: 6,
    checkpointEvery: 1,
  };

  async function train(settings: TrainOptionsInput, budget = Number.POSITIVE_INFINITY) {
    const parsed = parseOptions({ ...options, ...settings });
    const session = await buildSession(
      builtInCorpus('synthetic:clock', { count: 200, seed: 0 }) as Corpus,
      parsed,
    );
    await engine.device.settle();
    engine.device.trim();
    const trainer = new SurvivingTrainer({
      engine,
      reopen: () => Promise.reject(new Error('no device was lost')),
      session,
      options: parsed,
    });
    const events: TrainEvent[] = [];
    using _ = limitBuffers(engine.device.gpu, budget);
    try {
      for await (const event of trainer.run()) events.push(event);
    } finally {
      trainer.dispose();
    }
    const of = <E extends TrainEvent>(kind: E['event']) =>
      events.filter(({ event }) => event === kind) as E[];
    return { steps: of<StepEvent>('step'), shortages: of<OutOfMemoryEvent>('out-of-memory') };
  }

  /** Enough for half of the batch. */
  const budget = 8 * MiB;

  test('ends with one line', async (context) => {
    if (noShortage) return context.skip(noShortage);
    await expect(train({}, budget)).rejects.toMatchObject({ code: 'out-of-memory' });
  });

  test('goes on with halves where it is told to, and has the losses of a run with enough', async (context) => {
    if (noShortage) return context.skip(noShortage);
    const whole = await train({});
    const { steps, shortages } = await train({ autoMicroBatch: true }, budget);
    expect(shortages.length).toBeGreaterThan(0);
    expect(shortages[0]).toMatchObject({ rows: 8, resumedFrom: 0 });
    expect(shortages[0].message).toMatch(/the adapter has no memory for/);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    steps.forEach(({ loss, gradNorm }, i) => {
      expect(Math.abs(loss / whole.steps[i].loss - 1)).toBeLessThan(1e-5);
      expect(Math.abs(gradNorm / whole.steps[i].gradNorm - 1)).toBeLessThan(1e-4);
    });
  });
});
