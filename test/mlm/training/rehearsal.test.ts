import { expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import {
  buildSession,
  builtInCorpus,
  type Corpus,
  parseOptions,
  Trainer,
  type TrainOptionsInput,
} from '../../../src/mlm/index.ts';
import type { StartEvent } from '../../../src/mlm/training/events.ts';
import { tiny } from '../training.ts';

async function prepare(engine: Engine, overrides: TrainOptionsInput) {
  const options = parseOptions({ ...tiny, ...overrides });
  const corpus = builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus;
  return new Trainer({ engine, session: await buildSession(corpus, options), options });
}

test.each<TrainOptionsInput>([
  { accumulation: 2, ema: 0.9, layers: 3, gradientCheckpointing: true },
  { optimizer: 'muon', objective: 'electra' },
])(
  'tells the memory that the run with %j then takes, to the byte, and compiles all its pipelines',
  async (overrides) => {
    using engine = await Engine.open();
    const trainer = await prepare(engine, { ...overrides, steps: 6, evalEvery: 3 });
    const { dispatches } = engine.device.stream;
    let told: StartEvent | undefined;
    let compiled = 0;
    for await (const event of trainer.run()) {
      if (event.event !== 'start') continue;
      told = event;
      compiled = engine.device.pipelines.requests.length;
      expect(compiled).toBeGreaterThan(0);
      expect(engine.device.stream.dispatches).toBe(dispatches);
    }
    const { state, activations, largestBuffer } = told!.memory;
    const { peak, largest } = engine.memory();
    expect(state + activations).toBe(peak);
    expect(activations).toBeGreaterThan(0);
    expect(largestBuffer).toBe(largest);
    expect(engine.device.pipelines.requests).toHaveLength(compiled);
    trainer.dispose();
  },
);

test('refuses what the adapter cannot hold before anything runs', async () => {
  using engine = await Engine.open({ limits: 'default' });
  const trainer = await prepare(engine, { objective: 'causal', preset: 'mini', batchSize: 160, seqLen: 512 });
  await expect(trainer.run().next()).rejects.toMatchObject({ code: 'out-of-memory' });
  expect(engine.device.stream.dispatches).toBe(0);
  trainer.dispose();
});
