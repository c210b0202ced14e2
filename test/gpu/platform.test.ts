import { describe, expect, test } from 'vitest';
import { platform } from '#platform';
import { ClozeError } from '../../src/gpu/errors.ts';

describe('platform', () => {
  test('opens an adapter that computes', async () => {
    const found = await platform.requestAdapter();
    console.log(`${platform.name}: ${found.name}, ${found.driver}${found.software ? ' (software)' : ''}`);
    expect(found.name).not.toBe('');
    const device = await found.adapter.requestDevice();
    const module = device.createShaderModule({
      code: `@group(0) @binding(0) var<storage, read_write> x: array<u32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
          x[id.x] = id.x * id.x + x[id.x];
        }`,
    });
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
    const bytes = 4 * 64;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    const buffer = device.createBuffer({ size: bytes, usage: STORAGE | COPY_SRC | COPY_DST });
    const staging = device.createBuffer({ size: bytes, usage: MAP_READ | COPY_DST });
    device.queue.writeBuffer(buffer, 0, new Uint32Array(64).fill(7));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(
      0,
      device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [{ binding: 0, resource: { buffer } }],
      }),
    );
    pass.dispatchWorkgroups(1);
    pass.end();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await platform.patiently(staging.mapAsync(GPUMapMode.READ));
    const result = [...new Uint32Array(staging.getMappedRange().slice(0))];
    staging.unmap();
    expect(result).toEqual(Array.from({ length: 64 }, (_, i) => i * i + 7));
    device.destroy();
  });

  test('lists adapters, each once, and finds each again by its name', async () => {
    const all = await platform.listAdapters();
    expect(all.length).toBeGreaterThan(0);
    expect(new Set(all.map(({ name, driver }) => `${name} ${driver}`)).size).toBe(all.length);
    for (const { name, driver } of all) {
      const again = await platform.requestAdapter({ adapter: name.toUpperCase() });
      expect(again.driver).toBe(driver);
    }
  });

  test('says what there is when nothing fits', async () => {
    const failure = await platform.requestAdapter({ adapter: 'abacus' }).catch((error) => error);
    expect(failure).toBeInstanceOf(ClozeError);
    expect(failure.code).toBe('no-adapter');
    expect(failure.message).toMatch(/abacus.*There is: ./);
  });

  test('sleeps', async () => {
    const before = performance.now();
    await platform.sleep(20);
    expect(performance.now() - before).toBeGreaterThan(18);
  });

  test('hands on what a patient wait ends with', async () => {
    expect(await platform.patiently(platform.sleep(5).then(() => 3))).toBe(3);
    await expect(platform.patiently(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});
