/**
 * The one open stream of commands. Dispatches are appended to an open compute pass and submitted together: on a
 * read, on `flush()`, or when `maxPending` of them have gathered (1 submits each by itself, for debugging).
 */
import type { PooledBuffer } from './pool.ts';

export interface Dispatch {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  workgroups: readonly [number, number, number];
}

/** Brackets each dispatch with timestamps; implemented by `timing.ts`. */
export interface PassObserver {
  /** The timestamp writes of the next dispatch's own pass, or undefined when no slot is left. */
  begin(label: string): GPUComputePassTimestampWrites | undefined;
  /** Called with the encoder just before it is finished. */
  finish(encoder: GPUCommandEncoder): void;
}

export class CommandStream {
  /** How many dispatches gather before they are submitted. */
  maxPending: number;
  /** When set, every dispatch gets a pass of its own, bracketed by the observer. */
  observer: PassObserver | undefined;
  /** Number of the batch now open; all batches with smaller numbers were submitted. */
  serial = 0;
  /** Dispatches recorded since the device was opened. */
  dispatches = 0;
  private readonly device: GPUDevice;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private pending = 0;

  constructor(device: GPUDevice, maxPending = 128) {
    this.device = device;
    this.maxPending = maxPending;
  }

  dispatch(command: Dispatch, label: string): void {
    const [x, y, z] = command.workgroups;
    if (this.observer) {
      this.endPass();
      this.pass = this.open().beginComputePass({ label, timestampWrites: this.observer.begin(label) });
    }
    this.pass ??= this.open().beginComputePass();
    this.pass.setPipeline(command.pipeline);
    this.pass.setBindGroup(0, command.bindGroup);
    this.pass.dispatchWorkgroups(x, y, z);
    this.dispatches++;
    if (++this.pending >= this.maxPending) this.flush();
  }

  /** Copies bytes between buffers, in order with the dispatches. Offsets and size are multiples of 4. */
  copy(source: GPUBuffer, sourceOffset: number, target: GPUBuffer, targetOffset: number, size: number): void {
    this.endPass();
    this.open().copyBufferToBuffer(source, sourceOffset, target, targetOffset, size);
  }

  /** Fills bytes with zero, in order with the dispatches. */
  clear(buffer: GPUBuffer, offset: number, size: number): void {
    this.endPass();
    this.open().clearBuffer(buffer, offset, size);
  }

  /** True when commands that were not yet submitted touch the buffer. */
  touches(buffer: PooledBuffer): boolean {
    return buffer.lastUse === this.serial;
  }

  /** Submits everything recorded so far. */
  flush(): void {
    this.endPass();
    if (!this.encoder) return;
    this.observer?.finish(this.encoder);
    this.device.queue.submit([this.encoder.finish()]);
    this.encoder = undefined;
    this.pending = 0;
    this.serial++;
  }

  private open(): GPUCommandEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
  }
}
