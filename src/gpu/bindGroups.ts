/** Bind groups, each made once: a step that repeats with the same buffers makes none. */
import type { BufferView } from './device.ts';
import { ClozeError } from './errors.ts';
import type { Pipeline } from './pipelines.ts';
import { formatBytes, memoryRemedy } from './pool.ts';
import type { UniformSlot } from './uniforms.ts';

export class BindGroupCache {
  private readonly device: GPUDevice;
  private readonly known = new Map<string, GPUBindGroup>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get size(): number {
    return this.known.size;
  }

  /** Views in binding order, the uniform after them. Throws `out-of-memory` for a view larger than may be bound. */
  get(
    label: string,
    pipeline: Pipeline,
    views: readonly BufferView[],
    params: UniformSlot | undefined,
  ): GPUBindGroup {
    let key = params ? `${pipeline.id};${params.id}` : `${pipeline.id}`;
    for (const view of views) key += `,${view.buffer.id}:${view.offset}:${view.size}`;
    let bindGroup = this.known.get(key);
    if (!bindGroup) {
      bindGroup = this.make(label, pipeline, views, params);
      this.known.set(key, bindGroup);
    }
    return bindGroup;
  }

  clear(): void {
    this.known.clear();
  }

  private make(
    label: string,
    pipeline: Pipeline,
    views: readonly BufferView[],
    params: UniformSlot | undefined,
  ): GPUBindGroup {
    const limit = this.device.limits.maxStorageBufferBindingSize;
    const entries: GPUBindGroupEntry[] = views.map((view, binding) => {
      if (view.size > limit) {
        throw new ClozeError(
          'out-of-memory',
          `${label} binds ${formatBytes(view.size)}, and this adapter allows ${formatBytes(limit)}`,
          memoryRemedy,
        );
      }
      return { binding, resource: { buffer: view.buffer.gpu, offset: view.offset, size: view.size } };
    });
    if (params) {
      const { buffer, offset, size } = params;
      entries.push({ binding: views.length, resource: { buffer, offset, size } });
    }
    return this.device.createBindGroup({ label, layout: pipeline.layout, entries });
  }
}
