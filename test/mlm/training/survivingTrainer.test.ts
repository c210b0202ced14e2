import { afterEach, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import type { DeviceOptions } from '../../../src/gpu/index.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  type DeviceLostEvent,
  MemoryStore,
  parseOptions,
  SurvivingTrainer,
  type TrainEvent,
} from '../../../src/mlm/index.ts';
import { run, tiny } from '../training.ts';

const engines: Engine[] = [];
afterEach(() => {
  for (const engine of engines.splice(0)) engine.close();
});

async function open(options: DeviceOptions = {}): Promise<Engine> {
  const engine = await Engine.open(options);
  engines.push(engine);
  return engine;
}

/** Trains, and destroys the device under the trainer after each of these steps, once. */
async function disturbed(lostAfter: number[], settings: { checkpointEvery: number }) {
  const engine = await open();
  const store = new MemoryStore();
  const options = parseOptions({ ...tiny, ...settings });
  const session = await buildSession(
    builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus,
    options,
  );
  const trainer = new SurvivingTrainer({ engine, reopen: open, session, options, store });
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
  const losses = events.filter((event): event is DeviceLostEvent => event.event === 'device-lost');
  expect(losses.map(({ resumedFrom }) => resumedFrom)).toEqual([0, 6]);
  // The numbers of a step that was under way may still have come.
  losses.forEach(({ step }, i) => {
    expect([2 + 6 * i, 3 + 6 * i]).toContain(step);
  });
  expect(events.filter(({ event }) => event === 'start')).toHaveLength(1);
  expect(weights).toEqual(whole.weights);
  expect(metrics).toBe(whole.metrics);
});

test('a run ends with device-lost when every device is lost before a step is done', async () => {
  const engine = await open();
  const options = parseOptions(tiny);
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 60 }) as Corpus, options);
  let opened = 0;
  const reopen = async () => {
    const another = await open();
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
