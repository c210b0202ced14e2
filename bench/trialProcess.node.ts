/**
 * The process in which a variant is tried. A kernel that never ends cannot be called back, and some drivers share their
 * threads among all devices of a process; so the trial has a process to itself, which its parent may end.
 */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ClozeError, Device } from '../src/gpu/index.ts';
import { kernelByName } from '../src/kernels/index.ts';
import { recover, runTrial, type TrialEvent, type TrialOptions } from './trial.ts';
import { variantOf } from './variantOf.ts';

export interface TrialRequest extends TrialOptions {
  path: string;
  kernel: string;
  adapter?: string;
  /** Instead of a trial: shows that our own variant can compute this problem. */
  recover?: object;
}

/** What the process tells its parent. An error arrives as its parts. */
export type TrialMessage = TrialEvent | { event: 'error'; code?: string; message: string; stack?: string };

async function load(path: string): Promise<Record<string, unknown>> {
  try {
    return await import(/* @vite-ignore */ pathToFileURL(path).href);
  } catch (error) {
    throw new ClozeError('input', `${basename(path)} does not load: ${(error as Error).message}`);
  }
}

async function withDevice(
  adapter: string | undefined,
  work: (device: Device) => Promise<void>,
): Promise<void> {
  const device = await Device.open({ adapter });
  try {
    await work(device);
  } finally {
    device.close();
  }
}

async function serve(request: TrialRequest, tell: (event: TrialEvent) => void): Promise<void> {
  const kernel = kernelByName(request.kernel);
  const { adapter, recover: problem } = request;
  if (problem) return withDevice(adapter, async (device) => tell(await recover(device, kernel, problem)));
  const file = basename(request.path);
  tell({ event: 'step', step: 'load', what: file });
  const variant = variantOf(await load(request.path), file);
  if (kernel.variants.some(({ name }) => name === variant.name)) {
    throw new ClozeError(
      'input',
      `${file}: ${kernel.name} has a variant ${variant.name} already`,
      'Rename yours',
    );
  }
  return withDevice(adapter, async (device) => {
    const { name } = device.capabilities;
    tell({ event: 'loaded', variant: variant.name, kernel: kernel.name, adapter: name });
    await runTrial(device, kernel, variant, tell, request);
  });
}

const send = (message: TrialMessage) => process.send?.(message);
process.once('message', async (request: TrialRequest) => {
  try {
    await serve(request, send);
  } catch (error) {
    const { message, stack, code } = error as ClozeError;
    send({ event: 'error', message, stack, code: error instanceof ClozeError ? code : undefined });
  }
  process.disconnect();
});
