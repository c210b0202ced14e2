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
  /** What it holds on its present loan. */
  label: string;
  /** How often it was given back: differs between two loans. */
  loan: number;
  /** The arena that keeps it for itself, if one does. */
  arena: Arena | undefined;
  /** Serial number of the last batch of commands that touches it; see {@link CommandStream.serial}. */
  lastUse: number;
}

export interface MemoryStatistics {
  /** Bytes in buffers that are in use, or kept by an arena. */
  live: number;
  /** Bytes in buffers that wait to be used again. */
  pooled: number;
  /** Largest `live` so far. */
  peak: number;
  /** Buffers in use. */
  buffers: number;
  /** Bytes of the largest buffer so far. */
  largest: number;
}

/** Rounds up to a size class: multiples of an eighth of the power of two below, so at most 12.5 % is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = Math.max(256, 2 ** (Math.floor(Math.log2(bytes - 1)) - 3));
  return Math.ceil(bytes / step) * step;
}

const USAGE = 0x80 | 0x04 | 0x08; // STORAGE | COPY_SRC | COPY_DST

/** Waiting buffers by size. */
class FreeList {
  /** Ids descending. */
  private readonly bySize = new Map<number, PooledBuffer[]>();

  /** The oldest of exactly this size. */
  take(size: number): PooledBuffer | undefined {
    return this.bySize.get(size)?.pop();
  }

  put(buffer: PooledBuffer): void {
    const list = this.bySize.get(buffer.size);
    if (!list) {
      this.bySize.set(buffer.size, [buffer]);
      return;
    }
    let at = list.length;
    while (at > 0 && list[at - 1].id < buffer.id) at--;
    list.splice(at, 0, buffer);
  }

  /** Takes all of them. */
  drain(): PooledBuffer[] {
    const all = [...this.bySize.values()].flat();
    this.bySize.clear();
    return all;
  }
}

/** Buffers that go to one user only, in use or waiting; all of them count as in use. */
export class Arena {
  readonly buffers: PooledBuffer[] = [];
  readonly free = new FreeList();
}

export class BufferPool {
  /** While set, buffers are acquired for this arena, from its own free ones first. */
  arena: Arena | undefined;
  private readonly device: GPUDevice;
  private readonly onShortage: (error: ClozeError) => void;
  private untold = 0;
  private readonly free = new FreeList();
  private nextId = 1;
  private live = 0;
  private pooled = 0;
  private peak = 0;
  private buffers = 0;
  private largest = 0;

  /** `onShortage` hears, some time later, of a buffer for which the adapter had no memory. */
  constructor(device: GPUDevice, onShortage: (error: ClozeError) => void) {
    this.device = device;
    this.onShortage = onShortage;
  }

  /**
   * A buffer of at least `bytes`; its content is undefined. Throws `out-of-memory` when the adapter allows no
   * buffer of that size; that it has no memory left is told later.
   */
  acquire(bytes: number, label: string): PooledBuffer {
    const size = sizeClass(bytes);
    const limit = this.device.limits.maxBufferSize;
    if (size > limit) {
      throw new ClozeError(
        'out-of-memory',
        `${label} needs a buffer of ${formatBytes(bytes)}, and this adapter allows ${formatBytes(limit)}`,
        memoryRemedy,
      );
    }
    const buffer = this.arena?.free.take(size) ?? this.lend(size, label);
    buffer.label = label;
    return buffer;
  }

  /** Gives a buffer back. Commands already recorded may still use it: later dispatches run after them. */
  release(buffer: PooledBuffer): void {
    buffer.loan++;
    if (buffer.arena) buffer.arena.free.put(buffer);
    else this.recycle(buffer);
  }

  /** Gives an arena's buffers back to all: those that wait at once, those in use when they are released. */
  dissolve(arena: Arena): void {
    for (const buffer of arena.buffers) buffer.arena = undefined;
    for (const buffer of arena.free.drain()) this.recycle(buffer);
  }

  /** Whether there may be buffers without memory that were not told of yet. */
  get uncertain(): boolean {
    return this.untold > 0;
  }

  /** Destroys every waiting buffer. The caller has submitted all recorded commands (`Device.trim` does). */
  trim(): void {
    for (const buffer of this.free.drain()) buffer.gpu.destroy();
    this.pooled = 0;
  }

  statistics(): MemoryStatistics {
    return {
      live: this.live,
      pooled: this.pooled,
      peak: this.peak,
      buffers: this.buffers,
      largest: this.largest,
    };
  }

  /** A waiting buffer or a new one, for the open arena if there is one. */
  private lend(size: number, label: string): PooledBuffer {
    let buffer = this.free.take(size);
    if (buffer) {
      this.pooled -= size;
    } else {
      const gpu = this.create(size, label);
      buffer = { gpu, id: this.nextId++, size, label, loan: 0, arena: undefined, lastUse: -1 };
    }
    buffer.arena = this.arena;
    this.arena?.buffers.push(buffer);
    this.live += size;
    this.buffers++;
    this.peak = Math.max(this.peak, this.live);
    this.largest = Math.max(this.largest, size);
    return buffer;
  }

  /** A new buffer. Whether there was memory for it is known only when the error scope around it is closed. */
  private create(size: number, label: string): GPUBuffer {
    const { live, pooled } = this;
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.device.createBuffer({ size, usage: USAGE, label });
    this.untold++;
    const told = (error?: GPUError | null) => {
      this.untold--;
      if (error) this.onShortage(shortage(size, label, { live, pooled }));
    };
    // A lost device tells nothing more, and its loss is told elsewhere.
    this.device.popErrorScope().then(told, () => told());
    return buffer;
  }

  private recycle(buffer: PooledBuffer): void {
    this.live -= buffer.size;
    this.buffers--;
    this.pooled += buffer.size;
    this.free.put(buffer);
  }
}

/** What to do about memory that does not suffice. */
export const memoryRemedy =
  'Lower the batch size, the sequence length or the model size, split the batch (--accumulation, or --auto-micro-batch), or use --gradient-checkpointing or --dtype f16';

function shortage(
  size: number,
  label: string,
  { live, pooled }: Pick<MemoryStatistics, 'live' | 'pooled'>,
): ClozeError {
  return new ClozeError(
    'out-of-memory',
    `the adapter has no memory for ${label}: ${formatBytes(size)} were asked for, while ${formatBytes(live)} were in use and ${formatBytes(pooled)} kept for reuse`,
    memoryRemedy,
  );
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
