/** `--profile`: where the GPU's time went, kernel by kernel. */
import { type KernelTime, Profiler } from '../gpu/profiler.ts';
import { count, percent } from './format.ts';
import { sayJson } from './json.ts';
import { say, type Terminal } from './terminal.ts';

interface Profiled {
  device: { gpu: GPUDevice; stream: ConstructorParameters<typeof Profiler>[1]; synchronize(): Promise<void> };
}

/**
 * Times every kernel that `work` runs on the engine, and tells the times when it has ended well. Throws `gpu` where the
 * adapter has no timestamps.
 */
export async function withProfile<T>(
  { device }: Profiled,
  { json, terminal }: { json: boolean; terminal: Terminal },
  work: () => Promise<T>,
): Promise<T> {
  const profiler = new Profiler(device.gpu, device.stream);
  const result = await work();
  await device.synchronize();
  const kernels = await profiler.stop();
  if (json) sayJson(terminal, { event: 'profile', kernels });
  else for (const line of profileLines(kernels)) say(terminal, line);
  return result;
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
