/** Compiles every kernel in a process of its own, whose environment tells the driver where to cache, if at all. */
import { Device } from '../src/gpu/index.ts';
import { type CompileTime, measureCompile } from './compile.ts';
import { benchKernels } from './shapes.ts';

export interface CompileRequest {
  /** Names of the kernels, as in `shapes.ts`. */
  kernels: readonly string[];
  variants: 'all' | 'chosen';
  adapter?: string;
}

export type CompileMessage = { adapter: string; times: CompileTime[] } | { error: string };

async function serve({ kernels, variants, adapter }: CompileRequest): Promise<CompileMessage> {
  const device = await Device.open({ adapter });
  try {
    const wanted = benchKernels.filter(({ name }) => kernels.includes(name));
    return { adapter: device.capabilities.name, times: await measureCompile(device, wanted, variants) };
  } finally {
    device.close();
  }
}

process.once('message', async (request: CompileRequest) => {
  const message = await serve(request).catch((error: Error): CompileMessage => ({ error: error.message }));
  process.send?.(message, () => process.disconnect());
});
