import { expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { buildSession, builtInCorpus, type Corpus, parseOptions, Trainer } from '../../src/mlm/index.ts';

const MiB = 2 ** 20;

test('200 steps hold no more memory than 10', async () => {
  using engine = await Engine.open();
  const options = parseOptions({ preset: 'nano', seqLen: 34, batchSize: 8, steps: 201, evalEvery: 1000 });
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 500 }) as Corpus, options);
  const trainer = new Trainer({ engine, session, options });
  const seen = new Map<number, { gpu: object; resident: number }>();
  for await (const event of trainer.run()) {
    if (event.event !== 'step') continue;
    const gpu = { ...engine.memory(), bindGroups: engine.device.cachedBindGroups };
    seen.set(event.step, { gpu, resident: process.memoryUsage.rss() / MiB });
  }
  trainer.dispose();
  const at = (step: number) => seen.get(step) as { gpu: { live: number }; resident: number };
  const resident = [10, 50, 100, 150, 200].map((step) => at(step).resident);
  console.log(`GPU ${at(200).gpu.live} bytes live; process ${resident.map(Math.round).join(', ')} MiB`);
  expect(at(200).gpu).toEqual(at(10).gpu);
  // What the process gains in the second half must be far below what one step makes: here about 20 MiB of tensors.
  expect(at(200).resident - at(100).resident).toBeLessThan(16);
}, 300_000);
