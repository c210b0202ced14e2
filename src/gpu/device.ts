/**
 * A GPU, open for work: buffers, pipelines, one stream of commands, and reads. It knows nothing of tensors.
 *
 * Three calls are asynchronous and no others: opening, preparing pipelines, reading. Everything else records and
 * returns at once; what goes wrong on the GPU is thrown by the next `flush` or read.
 */
import { platform } from '#platform';
import { type Capabilities, readCapabilities } from './capabilities.ts';
import { ClozeError } from './errors.ts';
import { type Pipeline, PipelineCache } from './pipelines.ts';
import type { AdapterChoice } from './platform.ts';
import { BufferPool, formatBytes, type MemoryStatistics, type PooledBuffer } from './pool.ts';
import { Readback } from './readback.ts';
import { CommandStream } from './stream.ts';
import { UniformArena, type UniformSlot } from './uniforms.ts';

export interface DeviceOptions extends AdapterChoice {
  /** `adapter` (default) asks for the largest limits the adapter has, `default` for WebGPU's guaranteed ones. */
  limits?: 'adapter' | 'default';
  /** Features to do without even where the adapter has them. */
  without?: readonly string[];
}

/** A range of bytes in a buffer, as a dispatch binds it. */
export interface BufferView {
  readonly buffer: PooledBuffer;
  readonly offset: number;
  readonly size: number;
}

const optionalFeatures = ['subgroups', 'shader-f16', 'timestamp-query'];

export class Device {
  readonly gpu: GPUDevice;
  readonly capabilities: Capabilities;
  readonly pipelines: PipelineCache;
  readonly stream: CommandStream;
  private readonly pool: BufferPool;
  private readonly uniforms: UniformArena;
  private readonly readback: Readback;
  private readonly bindGroups = new Map<string, GPUBindGroup>();
  private readonly onClose: (() => void) | undefined;
  private fault: ClozeError | undefined;
  private closed = false;

  /** Finds an adapter and opens a device on it. Throws `no-adapter` with what was tried. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const { adapter } = await platform.requestAdapter(options);
    const wanted = options.limits === 'default' ? {} : adapterLimits(adapter);
    const without = new Set(options.without);
    const features = optionalFeatures.filter((name) => adapter.features.has(name) && !without.has(name));
    const gpu = await adapter.requestDevice({
      requiredFeatures: features as GPUFeatureName[],
      requiredLimits: wanted,
    });
    return new Device(gpu, adapter.info, () => gpu.destroy());
  }

  /** Works on a device that someone else made; `close()` then leaves that device alone. */
  static from(gpu: GPUDevice): Device {
    return new Device(gpu, gpu.adapterInfo, undefined);
  }

  private constructor(gpu: GPUDevice, info: GPUAdapterInfo, onClose: (() => void) | undefined) {
    this.gpu = gpu;
    this.onClose = onClose;
    this.capabilities = readCapabilities(gpu, info);
    this.pipelines = new PipelineCache(gpu);
    this.stream = new CommandStream(gpu);
    this.pool = new BufferPool(gpu);
    this.uniforms = new UniformArena(gpu);
    const lost = gpu.lost.then((reason) => {
      const why = this.closed
        ? 'the device was closed'
        : `the device was lost (${reason.message || reason.reason})`;
      this.fault = new ClozeError(
        this.closed ? 'closed' : 'device-lost',
        why,
        'Open a new device; training resumes from its last checkpoint',
      );
      throw this.fault;
    });
    lost.catch(() => {});
    this.readback = new Readback(gpu, this.stream, platform.patiently, lost);
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.fault ??= describeGpuError(event.error);
    });
  }

  /** A buffer of at least `bytes`, content undefined. Give it back with `release`. */
  acquire(bytes: number, label: string): PooledBuffer {
    this.check();
    return this.pool.acquire(bytes, label);
  }

  release(buffer: PooledBuffer): void {
    if (!this.closed) this.pool.release(buffer);
  }

  /**
   * Copies data into a buffer. `queue.writeBuffer` runs before commands that are recorded but not submitted, so a
   * buffer that such commands still use is written only after they were submitted.
   */
  write(buffer: PooledBuffer, offset: number, data: ArrayBufferView): void {
    this.check();
    if (this.stream.touches(buffer)) this.stream.flush();
    this.gpu.queue.writeBuffer(
      buffer.gpu,
      offset,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /** Records one dispatch. Views come in binding order; `params` fills the uniform after them. */
  dispatch(
    label: string,
    pipeline: Pipeline,
    views: readonly BufferView[],
    params: UniformSlot | undefined,
    workgroups: readonly [number, number, number],
  ): void {
    let key = params ? `${pipeline.id};${params.id}` : `${pipeline.id}`;
    for (const view of views) key += `,${view.buffer.id}:${view.offset}:${view.size}`;
    let bindGroup = this.bindGroups.get(key);
    if (!bindGroup) {
      bindGroup = this.makeBindGroup(label, pipeline, views, params);
      this.bindGroups.set(key, bindGroup);
    }
    for (const view of views) view.buffer.lastUse = this.stream.serial;
    this.stream.dispatch({ pipeline: pipeline.gpu, bindGroup, workgroups }, label);
  }

  /** The uniform slot that holds these parameters. */
  params(words: Uint32Array): UniformSlot {
    return this.uniforms.slot(words);
  }

  /** Copies one range to another of equal size, in order with the dispatches. */
  copy(source: BufferView, target: BufferView): void {
    this.stream.copy(source.buffer.gpu, source.offset, target.buffer.gpu, target.offset, source.size);
    source.buffer.lastUse = this.stream.serial;
    target.buffer.lastUse = this.stream.serial;
  }

  /** Fills a range with zero bytes, in order with the dispatches. */
  clear(view: BufferView): void {
    this.stream.clear(view.buffer.gpu, view.offset, view.size);
    view.buffer.lastUse = this.stream.serial;
  }

  /** Submits what was recorded. Throws what went wrong on the GPU since the last check. */
  flush(): void {
    this.check();
    this.stream.flush();
  }

  /** The bytes of a range after everything recorded so far has run. */
  async read(view: BufferView): Promise<ArrayBuffer> {
    this.check();
    view.buffer.lastUse = this.stream.serial;
    const bytes = await this.readback.read(view.buffer.gpu, view.offset, view.size);
    this.check();
    return bytes;
  }

  /** Resolves when everything recorded so far has run. */
  async synchronize(): Promise<void> {
    this.check();
    await this.readback.synchronize();
    this.check();
  }

  /** Bind groups made so far and kept: a step that repeats adds none. */
  get cachedBindGroups(): number {
    return this.bindGroups.size;
  }

  memory(): MemoryStatistics {
    return this.pool.statistics();
  }

  /** Destroys buffers that wait for reuse, after submitting what still refers to them. */
  trim(): void {
    this.flush();
    this.pool.trim();
    this.readback.trim();
    this.bindGroups.clear();
  }

  /** Throws the first thing that went wrong on the GPU, once; a lost or closed device throws every time. */
  check(): void {
    if (this.closed) throw new ClozeError('closed', 'this device was closed', 'Open a new one');
    const fault = this.fault;
    if (!fault) return;
    if (fault.code !== 'device-lost') this.fault = undefined;
    throw fault;
  }

  /** Destroys the device if it was opened here, and lets the process exit. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private makeBindGroup(
    label: string,
    pipeline: Pipeline,
    views: readonly BufferView[],
    params: UniformSlot | undefined,
  ): GPUBindGroup {
    const limit = this.capabilities.limits.maxStorageBufferBindingSize;
    const entries: GPUBindGroupEntry[] = views.map((view, binding) => {
      if (view.size > limit) {
        throw new ClozeError(
          'out-of-memory',
          `${label} binds ${formatBytes(view.size)}, and this adapter allows ${formatBytes(limit)}`,
          'Lower the batch size, the sequence length or the vocabulary',
        );
      }
      return { binding, resource: { buffer: view.buffer.gpu, offset: view.offset, size: view.size } };
    });
    if (params) {
      const { buffer, offset, size } = params;
      entries.push({ binding: views.length, resource: { buffer, offset, size } });
    }
    return this.gpu.createBindGroup({ label, layout: pipeline.layout, entries });
  }
}

/** The adapter's own limits, of those that the engine makes use of. */
function adapterLimits(adapter: GPUAdapter): Record<string, number> {
  const names = [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupSizeY',
  ] as const;
  return Object.fromEntries(names.map((name) => [name, adapter.limits[name]]));
}

function describeGpuError(error: GPUError): ClozeError {
  const message = error.message.split('\n')[0];
  if (typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError) {
    return new ClozeError('out-of-memory', `the GPU is out of memory: ${message}`, 'Lower the batch size');
  }
  return new ClozeError('gpu', message);
}
