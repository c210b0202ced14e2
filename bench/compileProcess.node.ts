/** Compiles every kernel in a process of its own, whose environment tells the driver where to cache, if at all. */
import { Device } from '../src/gpu/index.ts';
import { type CompileTime, measureCompile } from './compile.ts';
import { answerRequest } from './driverCache.node.ts';
import { benchKernels } from './shapes.ts';

export interface CompileRequest {
  /** Names of the kernels, as in `shapes.ts`. */
  kernels: readonly string[];
  variants: 'all' | 'chosen';
  adapter?: string;
}

export interface CompileAnswer {
  adapter: string;
  times: CompileTime[];
}

answerRequest(async ({ kernels, variants, adapter }: CompileRequest): Promise<CompileAnswer> => {
  const device = await Device.open({ adapter });
  try {
    const wanted = benchKernels.filter(({ name }) => kernels.includes(name));
    return { adapter: device.capabilities.name, times: await measureCompile(device, wanted, variants) };
  } finally {
    device.close();
  }
});
