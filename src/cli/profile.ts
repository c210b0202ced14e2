/** `--profile` and `--trace`: where the GPU's time went, kernel by kernel, and what it and the CPU did when. */
import type { Command } from 'commander';
import type { Engine } from '../autograd/index.ts';
import type { KernelTime } from '../gpu/profiler.ts';
import { writeFileAtomically } from '../mlm/files.node.ts';
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

/**
 * Times every kernel that `work` runs on the engine, if the flags ask for it: returns the times by kernel, and writes the
 * trace when `work` has ended well. Throws `gpu` where the adapter has no timestamps.
 */
export async function withProfile<T>(
  engine: Engine,
  { profile, trace }: ProfileFlags,
  work: () => Promise<T>,
): Promise<{ result: T; kernels?: KernelTime[] }> {
  if (trace !== undefined) {
    const { Tracer } = await import('../autograd/index.ts');
    const tracer = new Tracer(engine);
    const result = await work();
    const { kernels, trace: picture } = await tracer.stop();
    await writeFileAtomically(trace, JSON.stringify(picture));
    return { result, kernels };
  }
  if (!profile) return { result: await work() };
  const { Profiler } = await import('../gpu/profiler.ts');
  const profiler = new Profiler(engine.device.gpu, engine.device.stream);
  const result = await work();
  return { result, kernels: await profiler.stop() };
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
