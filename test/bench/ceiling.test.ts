import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copies, multiplyAdd } from '../../bench/ceiling.ts';
import { Device } from '../../src/gpu/index.ts';
import { type AnyKernelSpec, checkVariant } from '../../src/kernels/index.ts';

let device: Device;
beforeAll(async () => {
  device = await Device.open();
});
afterAll(() => device.close());

describe('the kernels that measure the ceiling do the work that they are credited with', () => {
  const specs: AnyKernelSpec[] = [multiplyAdd, ...copies];
  test.each(specs.map((spec) => [spec.name, spec] as const))('%s', async (_, spec) => {
    for (const problem of spec.awkward) {
      const { mismatches } = await checkVariant(device, spec, spec.variants[0].name, problem);
      expect(mismatches, JSON.stringify(problem)).toEqual([]);
    }
  });

  test('a multiply-add counts as two operations', () => {
    expect(multiplyAdd.cost({ invocations: 1, steps: 1, accumulators: 1 }).flops).toBe(2 * 4 * 8);
  });
});
