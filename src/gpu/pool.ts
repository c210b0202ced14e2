/**
 * Storage buffers, recycled by size class. Making a buffer costs up to milliseconds on some adapters and a training
 * step asks for the same sizes every time, so freed buffers wait here. The oldest one that fits is handed out first:
 * a step that starts from the same free buffers then receives the very same ones, in whatever order the step before
 * freed them, and its bind groups are found in the cache.
 */
import { ClozeError } from './errors.ts';

/** A storage buffer on loan from the pool. */
export interface PooledBuffer {
  readonly gpu: GPUBuffer;
  /** Unique per buffer ever made: the key of bind-group caches. */
  readonly id: number;
  /** Bytes, at least what was asked for. */
  readonly size: number;
  /** Serial number of the last batch of commands that touches it; see {@link CommandStream.serial}. */
  lastUse: number;
}

export interface MemoryStatistics {
  /** Bytes in buffers that are in use. */
  live: number;
  /** Bytes in buffers that wait to be used again. */
  pooled: number;
  /** Largest `live` so far. */
  peak: number;
  /** Buffers in use. */
  buffers: number;
}

/** Rounds up to a size class: multiples of an eighth of the power of two below, so at most 12.5 % is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

const USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST

export class BufferPool {
  private readonly device: GPUDevice;
  /** By size, ids descending. */
  private readonly free = new Map<number, PooledBuffer[]>();
  private nextId = 1;
  private live = 0;
  private pooled = 0;
  private peak = 0;
  private buffers = 0;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /**
   * A buffer of at least `bytes`; its content is undefined. Throws `out-of-memory` when the adapter allows no
   * buffer of that size.
   */
  acquire(bytes: number, label: string): PooledBuffer {
    const size = sizeClass(bytes);
    const limit = this.device.limits.maxBufferSize;
    if (size > limit) {
      throw new ClozeError(
        'out-of-memory',
        `${label} needs a buffer of ${formatBytes(bytes)}, and this adapter allows ${formatBytes(limit)}`,
        'Lower the batch size, the sequence length or the model size',
      );
    }
    let buffer = this.free.get(size)?.pop();
    if (buffer) {
      this.pooled -= size;
    } else {
      buffer = {
        gpu: this.device.createBuffer({ size, usage: USAGE, label }),
        id: this.nextId++,
        size,
        lastUse: -1,
      };
    }
    this.live += size;
    this.buffers++;
    this.peak = Math.max(this.peak, this.live);
    return buffer;
  }

  /** Gives a buffer back. Commands already recorded may still use it: later dispatches run after them. */
  release(buffer: PooledBuffer): void {
    this.live -= buffer.size;
    this.buffers--;
    this.pooled += buffer.size;
    const list = this.free.get(buffer.size);
    if (!list) {
      this.free.set(buffer.size, [buffer]);
      return;
    }
    let at = list.length;
    while (at > 0 && list[at - 1].id < buffer.id) at--;
    list.splice(at, 0, buffer);
  }

  /** Destroys every waiting buffer. The caller has submitted all recorded commands (`Device.trim` does). */
  trim(): void {
    for (const list of this.free.values()) for (const buffer of list) buffer.gpu.destroy();
    this.free.clear();
    this.pooled = 0;
  }

  statistics(): MemoryStatistics {
    return { live: this.live, pooled: this.pooled, peak: this.peak, buffers: this.buffers };
  }
}

/** 1536 → "1.5 KiB". */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${Number.isInteger(bytes) ? bytes : bytes.toFixed(1)} ${units[unit]}`;
}
