import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/gpu/index.ts';
import { checkVariant, kernels } from '../../src/kernels/index.ts';

/** Every variant of every kernel against its float64 reference, at the shapes that break careless kernels. */
let device: Device;
beforeAll(async () => {
  device = await Device.open();
});
afterAll(() => device.close());

describe.each(kernels.map((spec) => [spec.name, spec] as const))('%s', (_, spec) => {
  test.each(spec.variants.map((variant) => [variant.name, variant] as const))('%s', async (name, variant) => {
    let checked = 0;
    const skipped = new Set<string>();
    for (const problem of spec.awkward) {
      const verdict = variant.supports(device.capabilities, problem);
      if (verdict !== true) {
        skipped.add(verdict);
        continue;
      }
      const result = await checkVariant(device, spec, name, problem);
      expect(result.mismatches, `${JSON.stringify(problem)} tolerance ${result.tolerance}`).toEqual([]);
      checked++;
    }
    if (checked === 0) console.log(`${spec.name}/${name} skipped: ${[...skipped].join('; ')}`);
    else expect(checked).toBeGreaterThan(0);
  });
});
