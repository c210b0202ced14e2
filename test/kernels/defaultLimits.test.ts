import { afterAll, beforeAll, expect, test } from 'vitest';
import { Device } from '../../src/gpu/index.ts';
import { checkVariant, kernels } from '../../src/kernels/index.ts';
import { selectVariant } from '../../src/kernels/launcher.ts';

/** A device with no more than WebGPU guarantees everywhere: its default limits and no optional feature. */
let device: Device;
beforeAll(async () => {
  device = await Device.open({
    limits: 'default',
    without: ['subgroups', 'shader-f16', 'timestamp-query'],
  });
});
afterAll(() => device.close());

test('the device has the limits that the specification guarantees', () => {
  expect([...device.capabilities.features].filter((name) => name !== 'core-features-and-limits')).toEqual([]);
  expect(device.capabilities.limits).toMatchObject({
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxStorageBufferBindingSize: 128 * 2 ** 20,
  });
});

test.each(kernels.map((spec) => [spec.name, spec] as const))('%s is right there', async (_, spec) => {
  const small = spec.awkward.filter((problem) =>
    spec.bindings.every(({ length }) => length(problem) < 2 ** 14),
  );
  expect(small.length).toBeGreaterThan(0);
  for (const problem of small.slice(-2)) {
    const { name } = selectVariant(spec, problem, device.capabilities);
    const { mismatches } = await checkVariant(device, spec, name, problem);
    expect(mismatches, `${name} ${JSON.stringify(problem)}`).toEqual([]);
  }
});
