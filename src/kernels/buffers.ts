/** Buffers to time a kernel on: what is in them does not matter much, as long as it is no special case. */
import type { BufferView, Device } from '../gpu/index.ts';
import { Random } from './random.ts';
import { activeBindings, type KernelSpec, type NumberArray } from './spec.ts';

/**
 * A buffer for each binding of a problem, filled with the kernel's own inputs where it names them and with standard
 * normal numbers otherwise. The caller releases them.
 */
export function makeBuffers<P>(device: Device, spec: KernelSpec<P>, problem: P): Record<string, BufferView> {
  const random = new Random(1, 0x62656e63);
  const block = Float32Array.from({ length: 1 << 16 }, () => random.normal());
  const given: Record<string, NumberArray> = spec.inputs?.(problem, random) ?? {};
  const views: Record<string, BufferView> = {};
  for (const { name, length } of activeBindings(spec, problem)) {
    const size = Math.max(4, 4 * length(problem));
    const buffer = device.acquire(size, name);
    views[name] = { buffer, offset: 0, size };
    if (given[name]?.length) device.write(buffer, 0, given[name]);
    for (let at = 0; !given[name] && at < size; at += block.byteLength) {
      device.write(buffer, at, block.subarray(0, Math.min(block.length, (size - at) / 4)));
    }
  }
  return views;
}
