/**
 * The one open stream of commands. Dispatches are appended to an open compute pass and submitted together: on a
 * read, on `flush()`, when `maxPending` of them have gathered (1 submits each by itself, for debugging), or before
 * they would take longer than `pace` allows. A dispatch that is longer by itself is submitted alone.
 */
import { Pace } from './pace.ts';
import type { PooledBuffer } from './pool.ts';

export interface Dispatch {
  readonly kind: 'dispatch';
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
  /** How long it takes by a rough estimate. */
  readonly seconds: number;
}

/** Copies bytes between buffers. Offsets and size are multiples of 4. */
export interface Copy {
  readonly kind: 'copy';
  readonly source: GPUBuffer;
  readonly sourceOffset: number;
  readonly target: GPUBuffer;
  readonly targetOffset: number;
  readonly size: number;
}

/** Fills bytes with zero. */
export interface Clear {
  readonly kind: 'clear';
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

export type Command = Dispatch | Copy | Clear;

/** Brackets each dispatch with timestamps; implemented by `profiler.ts`. */
export interface PassObserver {
  /** The timestamp writes of the next dispatch's own pass, or undefined when no slot is left. */
  begin(label: string): GPUComputePassTimestampWrites | undefined;
  /** Called with the encoder just before it is finished. */
  finish(encoder: GPUCommandEncoder): void;
}

export class CommandStream {
  /** How many dispatches gather before they are submitted. */
  maxPending: number;
  /** How long a submission may take. */
  readonly pace = new Pace();
  /** When set, every dispatch gets a pass of its own, bracketed by the observer. */
  observer: PassObserver | undefined;
  /** Number of the batch now open; all batches with smaller numbers were submitted. */
  serial = 0;
  /** Dispatches recorded since the device was opened. */
  dispatches = 0;
  private readonly device: GPUDevice;
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  /** The pipeline that the open pass is set to. */
  private pipeline: GPUComputePipeline | undefined;
  private pending = 0;
  private pendingSeconds = 0;

  constructor(device: GPUDevice, maxPending = 128) {
    this.device = device;
    this.maxPending = maxPending;
  }

  /** Appends a command. Returns the number of the batch that it is in. */
  run(command: Command): number {
    if (command.kind === 'dispatch') return this.dispatch(command);
    this.endPass();
    if (command.kind === 'copy') {
      const { source, sourceOffset, target, targetOffset, size } = command;
      this.open().copyBufferToBuffer(source, sourceOffset, target, targetOffset, size);
    } else {
      this.open().clearBuffer(command.buffer, command.offset, command.size);
    }
    return this.serial;
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
    this.pace.add(this.pendingSeconds);
    this.encoder = undefined;
    this.pending = 0;
    this.pendingSeconds = 0;
    this.serial++;
  }

  private dispatch({ label, pipeline, bindGroup, workgroups, seconds }: Dispatch): number {
    const [x, y, z] = workgroups;
    if (this.pending > 0 && this.pendingSeconds + seconds > this.pace.seconds) this.flush();
    if (this.observer) {
      this.endPass();
      this.pass = this.open().beginComputePass({ label, timestampWrites: this.observer.begin(label) });
    }
    this.pass ??= this.open().beginComputePass();
    if (pipeline !== this.pipeline) this.pass.setPipeline(pipeline);
    this.pipeline = pipeline;
    this.pass.setBindGroup(0, bindGroup);
    this.pass.dispatchWorkgroups(x, y, z);
    this.dispatches++;
    this.pendingSeconds += seconds;
    const { serial } = this;
    if (++this.pending >= this.maxPending || this.pendingSeconds >= this.pace.seconds) this.flush();
    return serial;
  }

  private open(): GPUCommandEncoder {
    this.encoder ??= this.device.createCommandEncoder();
    return this.encoder;
  }

  private endPass(): void {
    this.pass?.end();
    this.pass = undefined;
    this.pipeline = undefined;
  }
}
