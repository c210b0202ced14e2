import { expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { buildSession, builtInCorpus, type Corpus, parseOptions, Trainer } from '../../src/mlm/index.ts';

const MiB = 2 ** 20;

test('200 steps hold no more memory than 10', async () => {
  using engine = await Engine.open();
  const options = parseOptions({ preset: 'nano', seqLen: 34, batchSize: 8, steps: 201, evalEvery: 1000 });
  const session = await buildSession(builtInCorpus('synthetic:clock', { count: 500 }) as Corpus, options);
  const trainer = new Trainer({ engine, session, options });
  const seen = new Map<number, { gpu: { bytes: number; bindGroups: number }; resident: number }>();
  for await (const event of trainer.run()) {
    if (event.event !== 'step') continue;
    const { live, pooled } = engine.memory();
    const gpu = { bytes: live + pooled, bindGroups: engine.device.cachedBindGroups };
    seen.set(event.step, { gpu, resident: process.memoryUsage.rss() / MiB });
  }
  trainer.dispose();
  const at = (step: number) => seen.get(step)!;
  const resident = [10, 50, 100, 150, 200].map((step) => at(step).resident);
  console.log(`GPU ${at(200).gpu.bytes} bytes; process ${resident.map(Math.round).join(', ')} MiB`);
  expect(at(200).gpu.bindGroups).toBe(at(10).gpu.bindGroups);
  // The smallest buffer holds a step's numbers until they are read: it depends on time whether two steps have one at once.
  expect(at(200).gpu.bytes - at(10).gpu.bytes).toBeLessThanOrEqual(256);
  // What the process gains in the second half must be far below what one step makes: here about 20 MiB of tensors.
  expect(at(200).resident - at(100).resident).toBeLessThan(16);
}, 300_000);
