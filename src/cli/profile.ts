/** `--profile` and `--trace`: where the GPU's time went, kernel by kernel, and what it and the CPU did when. */
import type { Command } from 'commander';
import type { Engine, Trace } from '../autograd/index.ts';
import type { KernelTime } from '../gpu/profiler.ts';
import { writeFileAtomically } from '../mlm/data/files.node.ts';
import { count, percent } from './format.ts';
import { say, type Terminal } from './terminal.ts';

export interface ProfileFlags {
  /** Whether to tell, at the end, which kernels took how long. */
  profile?: boolean;
  /** The file for a trace. */
  trace?: string;
}

/** Adds both flags to a command. */
export function addProfileFlags(command: Command): Command {
  return command
    .option('--profile', 'tell at the end how long each kernel took; slows the GPU down')
    .option('--trace <file>', 'write what GPU and CPU did when, for ui.perfetto.dev or chrome://tracing');
}

/** Attached to an engine until it is stopped. */
interface Watch {
  stop(): Promise<{ kernels: KernelTime[]; trace?: Trace }>;
}

/** Has the watch follow to an engine that takes the place of one whose device was lost. */
export type Follow = (another: Engine) => void;

/**
 * Times every kernel that `work` runs on the engine and on those that it has followed, if the flags ask for it: returns the
 * times by kernel, and writes the trace when `work` has ended well. Throws `gpu` where the adapter has no timestamps.
 */
export async function withProfile<T>(
  engine: Engine,
  { profile, trace }: ProfileFlags,
  work: (follow: Follow) => Promise<T>,
): Promise<{ result: T; kernels?: KernelTime[] }> {
  if (!profile && trace === undefined) return { result: await work(() => {}) };
  const { joinTraces } = await import('../autograd/index.ts');
  const { joinTimes } = await import('../gpu/profiler.ts');
  const watch = trace === undefined ? await profilers() : await tracers();
  const watches = [watch(engine)];
  const result = await work((another) => watches.push(watch(another)));
  const parts = await Promise.all(watches.map((each) => each.stop()));
  if (trace !== undefined) {
    const pictures = parts.map((part) => part.trace as Trace);
    await writeFileAtomically(trace, JSON.stringify(joinTraces(pictures)));
  }
  return { result, kernels: joinTimes(parts.map(({ kernels }) => kernels)) };
}

async function profilers(): Promise<(engine: Engine) => Watch> {
  const { Profiler } = await import('../gpu/profiler.ts');
  return ({ device }) => {
    const profiler = new Profiler(device.gpu, device.stream);
    return { stop: async () => ({ kernels: await profiler.stop() }) };
  };
}

/** All of them count from now. */
async function tracers(): Promise<(engine: Engine) => Watch> {
  const { Tracer } = await import('../autograd/index.ts');
  const began = performance.now();
  return (engine) => new Tracer(engine, began);
}

/** Tells people what `withProfile` found. */
export function sayProfile(
  { profile, trace }: ProfileFlags,
  kernels: readonly KernelTime[] | undefined,
  terminal: Terminal,
): void {
  if (profile && kernels) for (const line of profileLines(kernels)) say(terminal, line);
  if (trace !== undefined) {
    say(terminal, `\nThe trace is in ${trace}: open it in ui.perfetto.dev or chrome://tracing`);
  }
}

/** A line for each kernel, the one that took longest first. */
export function profileLines(kernels: readonly KernelTime[]): string[] {
  const total = kernels.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0);
  const line = (label: string, calls: string, all: string, each: string, share: string) =>
    `${label.padEnd(34)}${calls.padStart(10)}${all.padStart(12)}${each.padStart(12)}${share.padStart(9)}`.trimEnd();
  return [
    '',
    line('Kernel', 'calls', 'ms', 'us a call', 'share'),
    ...kernels.map(({ label, calls, nanoseconds }) =>
      line(
        label,
        count(calls),
        (nanoseconds / 1e6).toFixed(1),
        (nanoseconds / 1e3 / calls).toFixed(1),
        percent(nanoseconds / total),
      ),
    ),
    line(
      'in all',
      count(kernels.reduce((sum, { calls }) => sum + calls, 0)),
      (total / 1e6).toFixed(1),
      '',
      '',
    ),
  ];
}
