/**
 * The only place that waits for data. Results are copied into mappable buffers, kept in a ring for reuse; a lost
 * device rejects every read that is under way.
 */
import { ClozeError } from './errors.ts';
import { sizeClass } from './pool.ts';
import type { CommandStream } from './stream.ts';

export type Waiter = <T>(promise: Promise<T>) => Promise<T>;

export class Readback {
  private readonly device: GPUDevice;
  private readonly stream: CommandStream;
  private readonly wait: Waiter;
  private readonly lost: Promise<never>;
  private readonly settled: () => Promise<unknown>;
  private readonly idle: GPUBuffer[] = [];

  /**
   * `wait` awaits a promise of the device in the way that suits the platform; `lost` rejects when the
   * device is lost, and `settled` does so too if it is lost within a moment: a map may fail before the loss is told.
   */
  constructor(
    device: GPUDevice,
    stream: CommandStream,
    wait: Waiter,
    lost: Promise<never>,
    settled: () => Promise<unknown>,
  ) {
    this.settled = settled;
    this.device = device;
    this.stream = stream;
    this.wait = wait;
    this.lost = lost;
  }

  /** The bytes at `offset`, as they are after all commands recorded so far. Offset and size are multiples of 4. */
  async read(source: GPUBuffer, offset: number, size: number): Promise<ArrayBuffer> {
    const staging = this.take(size);
    this.stream.run({ kind: 'copy', source, sourceOffset: offset, target: staging, targetOffset: 0, size });
    this.stream.flush();
    const done = this.stream.pace.mark();
    try {
      await this.wait(Promise.race([staging.mapAsync(1 /* READ */, 0, size), this.lost]));
      done();
    } catch (error) {
      if (error instanceof ClozeError) throw error;
      await this.settled();
      throw new ClozeError('gpu', `reading ${size} bytes back failed: ${(error as Error).message}`);
    }
    const bytes = staging.getMappedRange(0, size).slice(0);
    staging.unmap();
    this.idle.push(staging);
    return bytes;
  }

  /** Resolves when all commands recorded so far have run. */
  async synchronize(): Promise<void> {
    this.stream.flush();
    const done = this.stream.pace.mark();
    const idle = this.device.queue.onSubmittedWorkDone().catch(async (error: Error) => {
      await this.settled();
      throw new ClozeError('gpu', `waiting for the GPU failed: ${error.message}`);
    });
    await this.wait(Promise.race([idle, this.lost]));
    done();
  }

  trim(): void {
    for (const buffer of this.idle) buffer.destroy();
    this.idle.length = 0;
  }

  private take(size: number): GPUBuffer {
    const at = this.idle.findIndex((buffer) => buffer.size >= size && buffer.size <= 4 * sizeClass(size));
    if (at >= 0) return this.idle.splice(at, 1)[0];
    return this.device.createBuffer({ size: sizeClass(size), usage: 0x01 | 0x08, label: 'readback' }); // MAP_READ | COPY_DST
  }
}
