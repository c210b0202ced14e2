/** How long pipelines take to be ready: until they exist, and until their first call is no slower than the next. */
import type { Device } from '../src/gpu/index.ts';
import { makeBuffers } from '../src/kernels/buffers.ts';
import { Launcher, selectVariant } from '../src/kernels/index.ts';
import { pipelineRequest } from '../src/kernels/launcher.ts';
import type { BenchKernel } from './shapes.ts';

export interface CompileTime {
  kernel: string;
  variant: string;
  /** Milliseconds until the pipeline was there. */
  pipeline: number;
  /** Milliseconds of the first call beyond those of the second: some drivers compile only then. */
  firstCall: number;
}

/** Each text once, at its kernel's first shape: the variants that the adapter can run, or those it would use. */
export async function measureCompile(
  device: Device,
  kernels: readonly BenchKernel[],
  which: 'all' | 'chosen',
): Promise<CompileTime[]> {
  const { capabilities } = device;
  const seen = new Set<string>();
  const times: CompileTime[] = [];
  for (const { name, spec, shapes, problem: problemOf } of kernels) {
    const problem = problemOf(...shapes[0]);
    const able = spec.variants.filter(({ supports }) => supports(capabilities, problem) === true);
    for (const variant of which === 'all' ? able : [selectVariant(spec, problem, capabilities)]) {
      const request = pipelineRequest(spec, variant, problem, capabilities);
      if (seen.has(request.code)) continue;
      seen.add(request.code);
      const buffers = makeBuffers(device, spec, problem);
      const launcher = new Launcher(device);
      launcher.overrides.set(spec.name, variant.name);
      await device.synchronize();
      const pipeline = await time(() => device.pipelines.prepare([request]));
      const call = () =>
        time(async () => {
          launcher.run(spec, problem, buffers);
          await device.synchronize();
        });
      const first = await call();
      const firstCall = Math.max(0, first - (await call()));
      for (const { buffer } of Object.values(buffers)) device.release(buffer);
      times.push({ kernel: name, variant: variant.name, pipeline, firstCall });
    }
  }
  return times;
}

async function time(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
