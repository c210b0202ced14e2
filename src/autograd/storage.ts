/**
 * The memory behind tensors. Several tensors may share one storage (a reshape, a slice of a parameter slab, a tensor
 * saved for backward); the buffer goes back to the pool when the last of them lets go. Users never see this count.
 */
import type { Device } from '../gpu/index.ts';
import type { PooledBuffer } from '../gpu/pool.ts';

export class Storage {
  readonly buffer: PooledBuffer;
  /** What was asked for; the buffer may be larger. */
  readonly bytes: number;
  private readonly device: Device;
  private holders = 1;

  constructor(device: Device, bytes: number, label: string) {
    this.device = device;
    this.bytes = bytes;
    this.buffer = device.acquire(Math.max(4, bytes), label);
  }

  /** True when more than one tensor uses this memory, so that nobody may overwrite it. */
  get shared(): boolean {
    return this.holders > 1;
  }

  retain(): this {
    this.holders++;
    return this;
  }

  release(): void {
    if (--this.holders === 0) this.device.release(this.buffer);
  }
}
