import { describe, expect, test } from 'vitest';
import { evaluationBatches } from '../../../src/mlm/data/evaluationSet.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  createObjective,
  evaluate,
  loadPretrained,
  MemoryStore,
  parseOptions,
  Trainer,
} from '../../../src/mlm/index.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import type { DoneEvent, EvalEvent, StepEvent } from '../../../src/mlm/training/events.ts';
import { parseSafetensors, toFloat32 } from '../../../src/nn/index.ts';
import { run, sharedEngine } from '../training.ts';

describe('a run', () => {
  test('with the same seed gives the same metrics and the same weights, bit for bit', async () => {
    const [first, second] = [await run(), await run()];
    expect(second.metrics).toBe(first.metrics);
    expect(second.weights).toEqual(first.weights);
    const other = await run({ seed: 1 });
    expect(other.metrics).not.toBe(first.metrics);
  });

  test.each(['adamw', 'muon', 'lamb'] as const)(
    'with %s that was stopped and resumed equals one that was not, with dropout, micro-batches and a schedule',
    async (optimizer) => {
      const options = {
        optimizer,
        ema: optimizer === 'lamb' ? 0.9 : 0,
        accumulation: 2,
        checkpointEvery: 3,
        schedule: 'cosine',
      } as const;
      const whole = await run(options);
      const store = new MemoryStore();
      const part = await run(options, { store, stopAfter: 6 });
      expect((part.events.at(-1) as DoneEvent).reason).toBe('stopped');
      expect(part.metrics).not.toBe(whole.metrics);
      const rest = await run(options, { store, resume: true });
      expect(rest.weights).toEqual(whole.weights);
      expect(rest.metrics).toBe(whole.metrics);
      const [done, expected] = [rest.events.at(-1), whole.events.at(-1)] as DoneEvent[];
      expect({ ...done, tokensPerSecond: 0 }).toEqual({ ...expected, tokensPerSecond: 0 });
    },
  );

  test('that computes the insides of layers again gives the same bits in less memory', async () => {
    const options = { layers: 4, accumulation: 2 };
    const [kept, recomputed] = [await run(options), await run({ ...options, gradientCheckpointing: true })];
    expect(recomputed.weights).toEqual(kept.weights);
    expect(recomputed.metrics).toBe(kept.metrics);
    expect(recomputed.peak).toBeLessThan(kept.peak);
  });

  test('whose batch is too large for the adapter is refused before a row is made', async () => {
    await expect(run({ batchSize: 4_000_000, accumulation: 2, seqLen: 512 })).rejects.toThrow(
      /the hidden states of 2000000 x 512 tokens take .* GiB, and this adapter binds .* at once\. Split the batch/,
    );
  });

  test('that is stopped between validations saves the better of the best weights and the last', async () => {
    const store = new MemoryStore();
    const { events, weights } = await run({ evalEvery: 50 }, { store, stopAfter: 3 });
    const done = events.at(-1) as DoneEvent;
    expect(done.steps).toBeLessThan(12);
    expect(done.valLoss).toBeGreaterThan(0);
    const { tensors } = parseSafetensors((await store.readBytes('model.safetensors')) as Uint8Array);
    for (const [name, values] of weights) expect(toFloat32(tensors.get(name)!)).toEqual(values);
  });

  test('limited by minutes ends in time, and a resumed one has only the rest of it', async () => {
    const store = new MemoryStore();
    const minutes = { steps: undefined, minutes: 0.02, evalEvery: 1000 };
    const { events } = await run(minutes, { store });
    const done = events.at(-1) as DoneEvent;
    expect(done.reason).toBe('minutes');
    const again = await run(minutes, { store, resume: true });
    expect(again.events.at(-1)).toMatchObject({ reason: 'minutes', steps: done.steps });
  });

  test('ends with a done event that sums it up, and leaves the best model in its store', async () => {
    const store = new MemoryStore();
    const { events, metrics } = await run({}, { store });
    const done = events.at(-1) as DoneEvent;
    const scores = events.filter((event): event is EvalEvent => event.event === 'eval');
    const best = Math.min(...scores.map(({ loss }) => loss));
    expect(done).toMatchObject({ event: 'done', steps: 12, reason: 'steps', valLoss: best, out: null });
    expect(done.floor).toBeGreaterThan(0);
    expect(done.baselines.neighbours?.loss).toBeGreaterThan(done.floor as number);
    expect(metrics.trim().split('\n')).toHaveLength(12 + scores.length);
    const engine = await sharedEngine();
    const loaded = await loadPretrained(engine, (name) => store.readBytes(name), 'memory');
    const options = parseOptions({ seqLen: 18, batchSize: 3, evalSequences: 6 });
    const session = await buildSession(
      builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus,
      options,
      loaded.tokenizer,
    );
    const score = await evaluate(
      engine,
      languageModel(loaded.config, loaded.model),
      evaluationBatches(session, createObjective(options, loaded.tokenizer), options),
    );
    expect(score.loss).toBeCloseTo(best, 5);
  });

  test('ends early when validation does not improve', async () => {
    const { events } = await run({ lr: 1e-12, evalEvery: 1, patience: 2, steps: 50 });
    expect(events.at(-1)).toMatchObject({ event: 'done', reason: 'patience' });
    expect((events.at(-1) as DoneEvent).steps).toBeLessThan(50);
  });

  test('whose weights turn to NaN names the step and the tensor, and its checkpoint is sound', async () => {
    const store = new MemoryStore();
    await expect(run({ checkpointEvery: 4 }, { store, poison: 5 })).rejects.toThrow(
      /the loss is NaN at step \d+; the first tensor that is not finite is the weight bert\.embeddings/,
    );
    const resumed = await run({ checkpointEvery: 4 }, { store, resume: true });
    expect(resumed.weights).toEqual((await run({ checkpointEvery: 4 })).weights);
  });

  test('saves nothing when validation is no number', async () => {
    const store = new MemoryStore();
    await expect(run({}, { store, poison: 3 })).rejects.toThrow(
      /the validation loss is NaN after step 4; the first tensor that is not finite is the weight bert/,
    );
    expect(await store.readCheckpoint('best')).toBeUndefined();
    expect(await store.readCheckpoint('checkpoint')).toBeUndefined();
  });

  test('refuses to resume with other options, or from nothing', async () => {
    const store = new MemoryStore();
    await run({}, { store, stopAfter: 3 });
    await expect(run({ seed: 1 }, { store, resume: true })).rejects.toThrow(/started with seed 0, not 1/);
    await expect(run({ optimizer: 'adamw' }, { store, resume: true })).rejects.toThrow(
      /started with optimizer "muon", not "adamw"/,
    );
    await expect(run({}, { resume: true })).rejects.toThrow(/no checkpoint to resume/);
  });

  test('can be left in the middle', async () => {
    const engine = await sharedEngine();
    const options = parseOptions({ preset: 'nano', seqLen: 18, batchSize: 4, steps: 50, evalSequences: 4 });
    const session = await buildSession(builtInCorpus('synthetic:clock', { count: 40 }) as Corpus, options);
    // What the engine itself keeps, the number 1 and what dropout draws from and the table of rotations, is there by then.
    const { buffers } = engine.memory();
    const trainer = new Trainer({ engine, session, options });
    for await (const event of trainer.run()) if (event.event === 'step' && event.step === 3) break;
    expect(engine.memory().buffers).toBeGreaterThan(buffers);
    trainer.dispose();
    expect(engine.memory().buffers).toBe(buffers);
  });
});

test('micro-batches add up to one large batch', async () => {
  const losses = async (accumulation: number) => {
    const { events } = await run({ batchSize: 8, accumulation, dropout: 0, steps: 4 });
    return events.filter((event): event is StepEvent => event.event === 'step');
  };
  const [whole, parts] = [await losses(1), await losses(4)];
  whole.forEach(({ loss, gradNorm }, i) => {
    expect(Math.abs(parts[i].loss / loss - 1)).toBeLessThan(1e-6);
    expect(Math.abs(parts[i].gradNorm / gradNorm - 1)).toBeLessThan(1e-5);
  });
});

test.each(['adamw', 'muon'] as const)('with %s nothing grows with the number of steps', async (optimizer) => {
  const engine = await sharedEngine();
  const options = parseOptions({
    optimizer,
    preset: 'nano',
    seqLen: 18,
    batchSize: 4,
    steps: 60,
    evalEvery: 100,
    evalSequences: 4,
  });
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 40 }) as Corpus, options);
  const trainer = new Trainer({ engine, session, options });
  const seen = new Map<number, { bytes: number; groups: number }>();
  for await (const event of trainer.run()) {
    if (event.event !== 'step') continue;
    const { live, pooled } = engine.memory();
    seen.set(event.step, { bytes: live + pooled, groups: engine.device.cachedBindGroups });
  }
  trainer.dispose();
  const [early, late] = [10, 59].map((step) => seen.get(step)!);
  expect(late.groups).toBe(early.groups);
  // The smallest buffer holds a step's numbers until they are read: it depends on time whether two steps have one at once.
  expect(late.bytes - early.bytes).toBeLessThanOrEqual(256);
});

test('the score does not depend on the size of the batches', async () => {
  const engine = await sharedEngine();
  const options = parseOptions({ preset: 'nano', seqLen: 18, batchSize: 4, steps: 1, evalSequences: 6 });
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 60 }) as Corpus, options);
  const trainer = new Trainer({ engine, session, options });
  const { trainee, objective } = trainer;
  const scores = [];
  for (const batchSize of [1, 4, 6]) {
    scores.push(
      await evaluate(engine, trainee, evaluationBatches(session, objective, { ...options, batchSize })),
    );
  }
  trainer.dispose();
  for (const score of scores) {
    expect(score.accuracy).toBe(scores[0].accuracy);
    expect(score.loss).toBeCloseTo(scores[0].loss, 5);
  }
});
