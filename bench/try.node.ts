/** `cloze bench try`: puts a researcher's kernel on trial in a process of its own, and ends it when it hangs. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ClozeError, type ErrorCode } from '../src/gpu/index.ts';
import { kernelByName } from '../src/kernels/index.ts';
import { forkScript } from './fork.node.ts';
import type { Step, TryEvent } from './trial.ts';
import type { TrialMessage, TrialRequest } from './trialProcess.node.ts';

export interface TryOptions extends Omit<TrialRequest, 'recover'> {
  /** Seconds that compiling, and checking one shape, may take. */
  timeout: number;
}

/** Seconds that a step may take. A process has to start first, and timing runs many variants many times. */
function patience(step: Step['step'], timeout: number): number {
  if (step === 'load') return timeout + 30;
  return step === 'time' ? 10 * timeout : timeout;
}

/**
 * Tells what happens, event by event. Throws `io` when there is no such file, `option` for an unknown kernel, and what
 * is wrong with the file.
 */
export async function tryVariant(options: TryOptions, tell: (event: TryEvent) => void): Promise<void> {
  const { timeout, ...request } = { ...options, path: resolve(options.path) };
  const kernel = kernelByName(request.kernel);
  if (!existsSync(request.path)) {
    throw new ClozeError('io', `cannot read ${options.path}: there is no such file`);
  }
  const hung = await supervise(request, timeout, tell);
  if (!hung) return;
  tell({ event: 'hung', step: hung.step, what: hung.what, seconds: patience(hung.step, timeout) });
  // A fresh process shows whether the adapter has survived.
  const recover = hung.problem ?? kernel.awkward[0];
  const again = await supervise({ ...request, recover }, timeout, tell);
  if (again) throw new ClozeError('gpu', 'the adapter does not answer any more', 'Restart the machine');
  tell({ event: 'done' });
}

/** Runs a trial process to its end; resolves to the step in which it had to be ended, if any. */
async function supervise(
  request: TrialRequest,
  timeout: number,
  tell: (event: TryEvent) => void,
): Promise<Step | undefined> {
  // A researcher's file may be TypeScript even where ours is not any more.
  const child = forkScript('trialProcess.node', { typed: /\.m?ts$/.test(request.path) });
  let step: Step = { event: 'step', step: 'load', what: request.path };
  let hung = false;
  let failure: Error | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      hung = true;
      child.kill('SIGKILL');
    }, 1e3 * patience(step.step, timeout));
  };
  child.on('message', (message: TrialMessage) => {
    if (hung) return;
    if (message.event === 'step') step = message;
    watch();
    if (message.event === 'step') return;
    if (message.event === 'error') failure = revive(message);
    else tell(message);
  });
  let lastWords = '';
  child.stderr?.on('data', (text: Buffer) => {
    lastWords = (lastWords + text).slice(-4000);
  });
  child.send(request);
  watch();
  const code = await new Promise<number | null>((done, fail) => child.on('close', done).on('error', fail));
  clearTimeout(timer);
  if (hung) return step;
  if (failure) throw failure;
  if (code !== 0) {
    const why = /^\w*Error.*$/m.exec(lastWords)?.[0] ?? child.signalCode ?? `exit code ${code}`;
    throw new ClozeError(
      'gpu',
      `${step.step === 'load' ? 'loading' : 'running'} ${step.what} broke down: ${why}`,
    );
  }
  return undefined;
}

function revive({ code, message, stack }: Extract<TrialMessage, { event: 'error' }>): Error {
  const error = code ? new ClozeError(code as ErrorCode, message) : new Error(message);
  error.stack = stack;
  return error;
}
