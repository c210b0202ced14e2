import { expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  MemoryStore,
  parseOptions,
  SurvivingTrainer,
  type TrainEvent,
} from '../../src/mlm/index.ts';
import { run, tiny } from './training.ts';

/** Trains, and destroys the device under the trainer after each of these steps, once. */
async function disturbed(lostAfter: number[], settings: { checkpointEvery: number }) {
  using engine = await Engine.open();
  const store = new MemoryStore();
  const options = parseOptions({ ...tiny, ...settings });
  const session = await buildSession(
    builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus,
    options,
  );
  const trainer = new SurvivingTrainer({ engine, reopen: () => Engine.open(), session, options, store });
  const events: TrainEvent[] = [];
  for await (const event of trainer.run()) {
    events.push(event);
    if (event.event !== 'step' || event.step !== lostAfter[0]) continue;
    lostAfter.shift();
    trainer.current.slab.engine.device.gpu.destroy();
  }
  const weights = await trainer.current.slab.read();
  trainer.dispose();
  return { events, weights, metrics: await store.readText('metrics.jsonl') };
}

test('a run whose device is lost before and after its first checkpoint ends in the bits of one left alone', async () => {
  const whole = await run({ checkpointEvery: 3 });
  const { events, weights, metrics } = await disturbed([2, 8], { checkpointEvery: 3 });
  const losses = events.filter(({ event }) => event === 'device-lost');
  expect(losses).toEqual([
    { event: 'device-lost', step: 2, resumedFrom: 0 },
    { event: 'device-lost', step: 8, resumedFrom: 6 },
  ]);
  expect(events.filter(({ event }) => event === 'start')).toHaveLength(1);
  expect(weights).toEqual(whole.weights);
  expect(metrics).toBe(whole.metrics);
});

test('a run ends with device-lost when every device is lost before a step is done', async () => {
  using engine = await Engine.open();
  const options = parseOptions(tiny);
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 60 }) as Corpus, options);
  let opened = 0;
  const reopen = async () => {
    const another = await Engine.open();
    opened++;
    another.device.gpu.destroy();
    return another;
  };
  const trainer = new SurvivingTrainer({ engine, reopen, session, options });
  engine.device.gpu.destroy();
  const all = async () => {
    for await (const _ of trainer.run());
  };
  await expect(all()).rejects.toMatchObject({ code: 'device-lost' });
  expect(opened).toBe(3);
  trainer.dispose();
});
