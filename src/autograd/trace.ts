/**
 * What CPU and GPU did when, in Chrome's trace event format (github.com/google/trace-viewer, "Trace Event Format"), which
 * ui.perfetto.dev and chrome://tracing show: spans of the CPU by the names of scopes, one slice of the GPU for each kernel.
 */
import { type KernelTime, type ProfiledBatch, Profiler } from '../gpu/profiler.ts';
import type { Engine } from './engine.ts';

/** A slice (`X`) or a name (`M`). Times are in microseconds. */
export interface TraceEvent {
  name: string;
  ph: 'X' | 'M';
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  cat?: string;
  args?: Record<string, string>;
}

export interface Trace {
  traceEvents: TraceEvent[];
  displayTimeUnit: 'ms';
  otherData: { adapter: string; driver: string };
}

/** The two rows of the picture. */
const cpu = { pid: 1, tid: 1 };
const gpu = { pid: 1, tid: 2 };

export class Tracer {
  private readonly engine: Engine;
  private readonly profiler: Profiler;
  private readonly began: number;
  private readonly spans: TraceEvent[] = [];
  private readonly batches: ProfiledBatch[] = [];

  /**
   * Attaches itself to the engine. Times count from `began`, in milliseconds of `performance.now()`. Throws `gpu` where the
   * adapter has no timestamps.
   */
  constructor(engine: Engine, began = performance.now()) {
    this.engine = engine;
    this.began = began;
    this.profiler = new Profiler(engine.device.gpu, engine.device.stream, (batch) =>
      this.batches.push(batch),
    );
    engine.observeSpan = (name) => {
      const start = performance.now();
      const span = slice(name, cpu, 'cpu', start - this.began, 0);
      // Kept from its start on: on a browser's coarse clock, that alone tells which of two spans is the outer one.
      this.spans.push(span);
      return () => {
        span.dur = 1e3 * (performance.now() - start);
      };
    };
  }

  /** Detaches itself, waits for what is under way, and returns the times by kernel and the whole picture. */
  async stop(): Promise<{ kernels: KernelTime[]; trace: Trace }> {
    this.engine.observeSpan = undefined;
    const kernels = await this.profiler.stop();
    const { name: adapter, description: driver } = this.engine.device.capabilities;
    const slices = [...this.spans, ...this.kernelSlices()].sort((a, b) => a.ts - b.ts);
    const traceEvents = [
      named('process_name', cpu, 'cloze'),
      named('thread_name', cpu, 'CPU: recording and waiting'),
      named('thread_name', gpu, `GPU: ${adapter}`),
      ...slices,
    ];
    return { kernels, trace: { traceEvents, displayTimeUnit: 'ms', otherData: { adapter, driver } } };
  }

  private kernelSlices(): TraceEvent[] {
    const offset = clockOffset(this.batches) - this.began;
    return this.batches.flatMap(({ runs }) =>
      runs.map(({ label, begin, end }) =>
        slice(label, gpu, 'gpu', toMilliseconds(begin) + offset, toMilliseconds(end - begin)),
      ),
    );
  }
}

/** Traces of several engines that count from one moment, as one. */
export function joinTraces([first, ...others]: readonly Trace[]): Trace {
  const slices = [first, ...others].flatMap(({ traceEvents }) => traceEvents.filter(({ ph }) => ph === 'X'));
  const names = first.traceEvents.filter(({ ph }) => ph === 'M');
  return { ...first, traceEvents: [...names, ...slices.sort((a, b) => a.ts - b.ts)] };
}

const toMilliseconds = (nanoseconds: bigint) => Number(nanoseconds) / 1e6;

/**
 * What to add to milliseconds of the GPU's clock to get those of `performance.now()`. The two clocks begin anywhere. No
 * batch begins before it was submitted, so the offset is at least submission less beginning, for each of them; the largest
 * of these is right up to the time that the quickest batch waited.
 */
export function clockOffset(batches: readonly Pick<ProfiledBatch, 'submitted' | 'runs'>[]): number {
  return batches.reduce(
    (offset, { submitted, runs }) => Math.max(offset, submitted - toMilliseconds(runs[0].begin)),
    Number.NEGATIVE_INFINITY,
  );
}

/** Times come in milliseconds. */
function slice(name: string, row: typeof cpu, cat: string, start: number, duration: number): TraceEvent {
  return { name, ph: 'X', ...row, ts: 1e3 * start, dur: 1e3 * duration, cat };
}

function named(kind: string, row: typeof cpu, name: string): TraceEvent {
  return { name: kind, ph: 'M', ...row, ts: 0, args: { name } };
}
