import { expect, test } from 'vitest';
import { measurePacking, packingLines } from '../../bench/packing.ts';
import { Device } from '../../src/gpu/index.ts';

test('packed rows hold more tokens, and both kinds are timed', async () => {
  using device = await Device.open();
  const sizes = { model: 'nano', seqLen: 128, batch: 2, vocab: 400, maskRate: 0.15 };
  const row = await measurePacking(device, sizes, { rounds: 3, samplesPerTurn: 1, seconds: 1 });
  expect(row.packed.padding).toBeLessThan(row.padded.padding);
  expect(row.spared).toBeGreaterThan(1.2);
  for (const { msPerStep, tokensPerSecond } of [row.padded, row.packed]) {
    expect(msPerStep).toBeGreaterThan(0);
    expect(tokensPerSecond).toBeGreaterThan(0);
  }
  const ratio = row.packed.tokensPerSecond / row.padded.tokensPerSecond;
  expect(row.speedUp).toBeCloseTo(ratio, 6);
  expect(packingLines(row).join('\n')).toContain('nano: 2 x 128 places of stories');
});
