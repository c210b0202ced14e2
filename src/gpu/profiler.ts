/**
 * How long each kernel takes on the GPU: while a profiler is attached, every dispatch gets a compute pass of its own,
 * bracketed by two timestamps. That costs a little by itself, so a profile tells shares, not the speed of a step.
 */
import { ClozeError } from './errors.ts';
import type { CommandStream, PassObserver } from './stream.ts';

export interface KernelTime {
  label: string;
  calls: number;
  /** Nanoseconds in all. */
  nanoseconds: number;
}

/** One dispatch, in nanoseconds of the GPU's own clock. */
export interface KernelRun {
  label: string;
  begin: bigint;
  end: bigint;
}

/** What was submitted together, with the milliseconds (`performance.now()`) between which it ran. */
export interface ProfiledBatch {
  submitted: number;
  collected: number;
  runs: KernelRun[];
}

/** Timestamps of one query set: WebGPU allows 4096. */
const CAPACITY = 4096;

/** The times of several profilers as one, longest first. */
export function joinTimes(parts: readonly (readonly KernelTime[])[]): KernelTime[] {
  const totals = new Map<string, KernelTime>();
  for (const { label, calls, nanoseconds } of parts.flat()) {
    const total = totals.get(label) ?? { label, calls: 0, nanoseconds: 0 };
    total.calls += calls;
    total.nanoseconds += nanoseconds;
    totals.set(label, total);
  }
  return [...totals.values()].sort((a, b) => b.nanoseconds - a.nanoseconds);
}

export class Profiler implements PassObserver {
  private readonly device: GPUDevice;
  private readonly stream: CommandStream;
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private readonly labels: string[] = [];
  private readonly totals = new Map<string, KernelTime>();
  private readonly pending: Promise<void>[] = [];

  private readonly onBatch: ((batch: ProfiledBatch) => void) | undefined;

  /**
   * Attaches itself to the stream. `onBatch` is told of each submission when its times are there. Throws `gpu` where the
   * adapter has no timestamps.
   */
  constructor(device: GPUDevice, stream: CommandStream, onBatch?: (batch: ProfiledBatch) => void) {
    if (!device.features.has('timestamp-query')) {
      throw new ClozeError('gpu', 'this adapter has no timestamps', 'Measure wall time instead');
    }
    this.device = device;
    this.stream = stream;
    this.onBatch = onBatch;
    this.queries = device.createQuerySet({ type: 'timestamp', count: CAPACITY });
    this.resolved = device.createBuffer({ size: 8 * CAPACITY, usage: 0x0200 | 0x04 }); // QUERY_RESOLVE | COPY_SRC
    stream.flush();
    stream.observer = this;
  }

  begin(label: string): GPUComputePassTimestampWrites | undefined {
    const at = 2 * this.labels.length;
    if (at + 2 > CAPACITY) return undefined;
    this.labels.push(label);
    return { querySet: this.queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  finish(encoder: GPUCommandEncoder): void {
    const labels = this.labels.splice(0);
    if (labels.length === 0) return;
    const size = 16 * labels.length;
    const staging = this.device.createBuffer({ size, usage: 0x01 | 0x08 }); // MAP_READ | COPY_DST
    encoder.resolveQuerySet(this.queries, 0, 2 * labels.length, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, staging, 0, size);
    // Mapping is only possible once the commands are submitted, which happens right after this call.
    const submitted = performance.now();
    this.pending.push(Promise.resolve().then(() => this.collect(labels, staging, submitted)));
  }

  /** Detaches itself, waits for what is under way, and returns the totals, longest first. */
  async stop(): Promise<KernelTime[]> {
    this.stream.flush();
    this.stream.observer = undefined;
    await Promise.all(this.pending);
    this.queries.destroy();
    this.resolved.destroy();
    return joinTimes([[...this.totals.values()]]);
  }

  private async collect(labels: readonly string[], staging: GPUBuffer, submitted: number): Promise<void> {
    // What a device had measured when it was lost is lost with it.
    const mapped = await staging.mapAsync(1 /* READ */).then(
      () => true,
      () => false,
    );
    if (!mapped) return;
    const collected = performance.now();
    const times = new BigUint64Array(staging.getMappedRange());
    const runs = labels.map((label, i) => ({ label, begin: times[2 * i], end: times[2 * i + 1] }));
    staging.destroy();
    for (const { label, begin, end } of runs) {
      const total = this.totals.get(label) ?? { label, calls: 0, nanoseconds: 0 };
      total.calls++;
      total.nanoseconds += Number(end - begin);
      this.totals.set(label, total);
    }
    this.onBatch?.({ submitted, collected, runs });
  }
}
