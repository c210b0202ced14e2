/**
 * Variants of one kernel on one problem, on the same buffers, timed in turns. A run records a kernel many times,
 * submits once and waits once, so that what is measured is the kernel and not the wait.
 */
import type { BufferView, Device } from '../src/gpu/index.ts';
import { Profiler } from '../src/gpu/profiler.ts';
import { makeBuffers } from '../src/kernels/buffers.ts';
import { type AnyKernelSpec, Launcher } from '../src/kernels/index.ts';
import { pipelineRequest } from '../src/kernels/launcher.ts';
import { defaultSampling, type Sampling, takeTurns } from './sampling.ts';

/** How long a run should take, in milliseconds: the wait for its end is late by up to one. */
const runTime = 30;

/** Most calls that a run repeats. */
const mostCalls = 256;

/** Most calls that are timed by timestamps in a turn; they are coarse in browsers (65 to 100 µs), so one alone says little. */
const stampedCalls = 32;

export interface Timing {
  variant: string;
  /** Milliseconds a call by the clock on the wall, one for each run. */
  wall: number[];
  /** Milliseconds a call by the GPU's own clock, one for each turn; empty where it has none. */
  gpu: number[];
  /** Milliseconds until the pipeline was there. */
  compile: number;
  /** Milliseconds of the first call beyond those of a later one; some drivers compile only then. */
  warmUp: number;
}

/** Times variants, given by name, against one another. A name may stand there twice. */
export async function contest(
  device: Device,
  spec: AnyKernelSpec,
  problem: object,
  variants: readonly string[],
  sampling: Sampling = defaultSampling,
): Promise<Timing[]> {
  const buffers = makeBuffers(device, spec, problem);
  try {
    const entries: Awaited<ReturnType<typeof prepare>>[] = [];
    for (const variant of variants) entries.push(await prepare(device, spec, problem, variant, buffers));
    const gpu = entries.map((): number[] => []);
    const timestamps = device.capabilities.features.has('timestamp-query');
    const runs = await takeTurns(entries, sampling, async (i) => {
      const { record, calls } = entries[i];
      if (timestamps) gpu[i].push(await timeOnGpu(device, record, Math.min(calls, stampedCalls)));
    });
    return entries.map(({ variant, calls, compile, warmUp }, i) => ({
      variant,
      wall: runs[i].map((time) => time / calls),
      gpu: gpu[i],
      compile,
      warmUp,
    }));
  } finally {
    for (const { buffer } of Object.values(buffers)) device.release(buffer);
  }
}

/** Compiles a variant, runs it until it is warm, and finds out how many calls make a run. */
async function prepare(
  device: Device,
  spec: AnyKernelSpec,
  problem: object,
  name: string,
  buffers: Readonly<Record<string, BufferView>>,
) {
  const variant = spec.variants.find((candidate) => candidate.name === name)!;
  const began = performance.now();
  await device.pipelines.prepare([pipelineRequest(spec, variant, problem, device.capabilities)]);
  const compile = performance.now() - began;

  const launcher = new Launcher(device);
  launcher.overrides.set(spec.name, name);
  const record = (calls: number) => {
    for (let i = 0; i < calls; i++) launcher.run(spec, problem, buffers);
  };
  const time = async (calls: number) => {
    const start = performance.now();
    record(calls);
    await device.synchronize();
    return performance.now() - start;
  };
  const first = await time(1);
  let each = await time(1);
  const callsFor = (ms: number) => Math.max(1, Math.min(mostCalls, Math.round(runTime / ms)));
  for (let tries = 0; tries < 2 && callsFor(each) > 1; tries++) {
    const calls = callsFor(each);
    each = (await time(calls)) / calls;
  }
  const calls = callsFor(each);
  return {
    variant: name,
    calls,
    compile,
    warmUp: Math.max(0, first - each),
    record,
    run: async () => {
      await time(calls);
    },
  };
}

/** Milliseconds of a call between two timestamps of the GPU, on average. */
async function timeOnGpu(device: Device, record: (calls: number) => void, calls: number): Promise<number> {
  const profiler = new Profiler(device.gpu, device.stream);
  record(calls);
  await device.synchronize();
  const [time] = await profiler.stop();
  return time.nanoseconds / time.calls / 1e6;
}
