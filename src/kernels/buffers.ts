/** Buffers to time a kernel on: what is in them does not matter much, as long as it is no special case. */
import type { BufferView, Device } from '../gpu/index.ts';
import { encode } from './elementType.ts';
import { Random } from './random.ts';
import {
  activeBindings,
  byteLength,
  type KernelSpec,
  type NumberArray,
  type Precision,
  typeOf,
} from './spec.ts';

/**
 * A buffer for each binding of a problem, filled with the kernel's own inputs where it names them and with standard
 * normal numbers otherwise. The caller releases them.
 */
export function makeBuffers<P>(
  device: Device,
  spec: KernelSpec<P>,
  problem: P & Precision,
): Record<string, BufferView> {
  const random = new Random(1, 0x62656e63);
  const block = Float32Array.from({ length: 1 << 16 }, () => random.normal());
  const given: Record<string, NumberArray> = spec.inputs?.(problem, random) ?? {};
  const views: Record<string, BufferView> = {};
  for (const binding of activeBindings(spec, problem)) {
    const { name } = binding;
    const type = typeOf(binding, problem);
    const size = byteLength(type, binding.length(problem));
    const buffer = device.acquire(size, name);
    views[name] = { buffer, offset: 0, size };
    if (given[name]?.length) device.write(buffer, 0, encode(given[name], type));
    const filling = encode(block, type);
    for (let at = 0; !given[name] && at < size; at += filling.byteLength) {
      const { buffer: bytes, byteLength } = filling;
      device.write(buffer, at, new Uint32Array(bytes, 0, Math.min(byteLength, size - at) / 4));
    }
  }
  return views;
}
