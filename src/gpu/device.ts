/**
 * A GPU, open for work: buffers, pipelines, one stream of commands, and reads. It knows nothing of tensors.
 *
 * Three calls are asynchronous and no others: opening, preparing pipelines, reading. Everything else records and
 * returns at once; what goes wrong on the GPU is thrown by the next `flush` or read.
 */
import { platform } from '#platform';
import { BindGroupCache } from './bindGroups.ts';
import { type Capabilities, readCapabilities } from './capabilities.ts';
import { dryGpu } from './dryGpu.ts';
import { ClozeError } from './errors.ts';
import { type Pipeline, PipelineCache } from './pipelines.ts';
import type { AdapterChoice } from './platform.ts';
import { Arena, BufferPool, type MemoryStatistics, memoryRemedy, type PooledBuffer } from './pool.ts';
import { Readback } from './readback.ts';
import { Recording } from './recording.ts';
import { type Command, CommandStream } from './stream.ts';
import { UniformArena, type UniformSlot } from './uniforms.ts';

export interface DeviceOptions extends AdapterChoice {
  /**
   * `adapter` asks for the largest limits the adapter has, `default` for WebGPU's guaranteed ones. Left out, it is `adapter`, unless
   * the environment of Node says CLOZE_LIMITS=default: then there are no optional features either.
   */
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

const uploadRemedy = 'Make it an input, or write it before the call';
const readRemedy = 'Return the tensor, and read it after the call';
/** Milliseconds within which a loss is told after the first failure that it causes. */
const lossDelay = 200;
const optionalFeatures = ['subgroups', 'shader-f16', 'timestamp-query'];

export class Device {
  readonly gpu: GPUDevice;
  readonly capabilities: Capabilities;
  /** True for a device that computes nothing; see {@link dryTwin}. */
  readonly dry: boolean;
  readonly pipelines: PipelineCache;
  readonly stream: CommandStream;
  private readonly pool: BufferPool;
  private readonly uniforms: UniformArena;
  private readonly readback: Readback;
  private readonly bindGroups: BindGroupCache;
  private readonly onClose: (() => void) | undefined;
  private recorder: Recording | undefined;
  private fault: ClozeError | undefined;
  private closed = false;

  /** Finds an adapter and opens a device on it. Throws `no-adapter` with what was tried. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const { adapter } = await platform.requestAdapter(options);
    const guaranteedOnly = options.limits === undefined && platform.guaranteedOnly;
    const wanted = guaranteedOnly || options.limits === 'default' ? {} : adapterLimits(adapter);
    const without = new Set(guaranteedOnly ? optionalFeatures : options.without);
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

  private constructor(gpu: GPUDevice, info: GPUAdapterInfo, onClose: (() => void) | undefined, dry = false) {
    this.gpu = gpu;
    this.onClose = onClose;
    this.dry = dry;
    this.capabilities = readCapabilities(gpu, info);
    this.pipelines = new PipelineCache(gpu);
    this.bindGroups = new BindGroupCache(gpu);
    this.stream = new CommandStream(gpu);
    this.pool = new BufferPool(gpu, (error) => this.fail(error));
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
    const settled = () => Promise.race([lost, platform.sleep(lossDelay)]);
    this.readback = new Readback(gpu, this.stream, platform.patiently, lost, settled);
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.fail(describeGpuError(event.error));
    });
  }

  /**
   * A device of the same limits and features that allocates nothing and computes nothing, and reads zeros: work done on it
   * first tells what memory it takes (`memory()`), what it is refused, and which pipelines it needs ({@link prepareAs}).
   */
  dryTwin(): Device {
    return new Device(dryGpu(this.gpu), this.gpu.adapterInfo, undefined, true);
  }

  /** Compiles all pipelines that another device has, at once: in parallel where the driver can. */
  prepareAs(other: Device): Promise<void> {
    return this.pipelines.prepare(other.pipelines.requests);
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
    if (this.recorder) throw this.recorder.refuse(`it uploads data into ${buffer.label}`, uploadRemedy);
    if (this.stream.touches(buffer)) this.stream.flush();
    this.gpu.queue.writeBuffer(
      buffer.gpu,
      offset,
      data.buffer as ArrayBuffer,
      data.byteOffset,
      data.byteLength,
    );
  }

  /**
   * Records one dispatch. Views come in binding order; `params` fills the uniform after them; `seconds` estimates how
   * long it takes.
   */
  dispatch(
    label: string,
    pipeline: Pipeline,
    views: readonly BufferView[],
    params: UniformSlot | undefined,
    workgroups: readonly [number, number, number],
    seconds = 0,
  ): void {
    const bindGroup = this.bindGroups.get(label, pipeline, views, params);
    const command: Command = {
      kind: 'dispatch',
      label,
      pipeline: pipeline.gpu,
      bindGroup,
      workgroups,
      seconds,
    };
    this.run(command, label, ...views);
  }

  /** The uniform slot that holds these parameters. */
  params(words: Uint32Array): UniformSlot {
    return this.uniforms.slot(words);
  }

  /** Copies one range to another of equal size, in order with the dispatches. */
  copy(source: BufferView, target: BufferView): void {
    const command: Command = {
      kind: 'copy',
      source: source.buffer.gpu,
      sourceOffset: source.offset,
      target: target.buffer.gpu,
      targetOffset: target.offset,
      size: source.size,
    };
    this.run(command, 'a copy', source, target);
  }

  /** Fills a range with zero bytes, in order with the dispatches. */
  clear(view: BufferView): void {
    const { buffer, offset, size } = view;
    this.run({ kind: 'clear', buffer: buffer.gpu, offset, size }, 'a clear', view);
  }

  /** The recording under way. */
  get recording(): Recording | undefined {
    return this.recorder;
  }

  /**
   * Runs `body` and records its commands for `replay`. Throws `capture` when it does what a replay could not repeat:
   * uploads, reads, waits, or frees a buffer from outside that its commands use.
   */
  record<T>(name: string, body: () => T): { recording: Recording; result: T } {
    this.check();
    if (this.recorder)
      throw new ClozeError('capture', `"${name}" is recorded inside "${this.recorder.name}"`);
    const recording = new Recording(name, new Arena());
    this.recorder = recording;
    this.pool.arena = recording.arena;
    try {
      const result = body();
      recording.check();
      return { recording, result };
    } catch (error) {
      this.forget(recording);
      throw error;
    } finally {
      this.recorder = undefined;
      this.pool.arena = undefined;
    }
  }

  /** Runs recorded commands once more. Throws `capture` when a buffer that they need was given back. */
  replay(recording: Recording): void {
    this.check();
    recording.check();
    for (const command of recording.commands) this.stream.run(command);
    for (const buffer of recording.buffers) buffer.lastUse = this.stream.serial;
  }

  /** Gives back the buffers that a recording kept for itself; it must not be replayed any more. */
  forget(recording: Recording): void {
    if (!this.closed) this.pool.dissolve(recording.arena);
  }

  /** Submits what was recorded. Throws what went wrong on the GPU since the last check. */
  flush(): void {
    this.check();
    this.stream.flush();
  }

  /** The bytes of a range after everything recorded so far has run. */
  async read(view: BufferView): Promise<ArrayBuffer> {
    this.check();
    if (this.recorder) throw this.recorder.refuse(`it reads ${view.buffer.label}`, readRemedy);
    view.buffer.lastUse = this.stream.serial;
    const bytes = await this.settling(this.readback.read(view.buffer.gpu, view.offset, view.size));
    this.check();
    return bytes;
  }

  /** Resolves when everything recorded so far has run. */
  async synchronize(): Promise<void> {
    this.check();
    if (this.recorder) throw this.recorder.refuse('it waits for the GPU', readRemedy);
    await this.settling(this.readback.synchronize());
    this.check();
  }

  /** Waits until nothing is under way any more, and forgets what went wrong meanwhile. A lost or closed device stays so. */
  async settle(): Promise<void> {
    await this.readback.synchronize().catch(() => {});
    if (this.fault?.code !== 'device-lost') this.fault = undefined;
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
    // Commands on a buffer without memory are invalid: the lack is what is to be told, and it comes later.
    if (!fault || (fault.code === 'gpu' && this.pool.uncertain)) return;
    if (fault.code !== 'device-lost') this.fault = undefined;
    throw fault;
  }

  /** Whether the device was lost. What fails by a loss may do so before the loss itself is told, so this waits a moment for it. */
  async isLost(): Promise<boolean> {
    await Promise.race([this.gpu.lost, platform.sleep(lossDelay)]);
    return this.fault?.code === 'device-lost';
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

  /** Remembers what went wrong for the next check. A lack of memory comes before the invalid commands that follow from it. */
  private fail(error: ClozeError): void {
    const known = this.fault?.code;
    if (known === undefined || (known === 'gpu' && error.code === 'out-of-memory')) this.fault = error;
  }

  /** Where waiting fails for a reason that is known by then, throws the reason. */
  private async settling<T>(waiting: Promise<T>): Promise<T> {
    return waiting.catch((error) => {
      this.check();
      throw error;
    });
  }

  private run(command: Command, user: string, ...views: readonly BufferView[]): void {
    this.recorder?.add(command, user, views);
    const serial = this.stream.run(command);
    for (const { buffer } of views) buffer.lastUse = serial;
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
    return new ClozeError('out-of-memory', `the GPU is out of memory: ${message}`, memoryRemedy);
  }
  return new ClozeError('gpu', message);
}
