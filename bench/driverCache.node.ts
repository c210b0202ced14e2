/** The same work in processes of their own: one whose driver has no cache of compiled kernels, and one that finds it full. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClozeError } from '../src/gpu/index.ts';
import { forkScript } from './fork.node.ts';

/** Mesa and NVIDIA's driver listen to these. */
const withoutCache = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };
const withCacheIn = (folder: string) => ({
  MESA_SHADER_CACHE_DISABLE: 'false',
  MESA_SHADER_CACHE_DIR: folder,
  __GL_SHADER_DISK_CACHE: '1',
  __GL_SHADER_DISK_CACHE_PATH: folder,
});

/** What a process answers instead when it fails. */
export interface Failure {
  error: string;
}

/**
 * Sends a request to a script of this folder three times, each in a new process: without a cache, to fill an empty
 * one, and to find it full. Returns the first and the last answer. Throws `gpu` with what went wrong in one of them.
 */
export async function coldAndWarm<Answer extends object>(
  script: string,
  request: object,
): Promise<{ cold: Answer; warm: Answer }> {
  const folder = await mkdtemp(join(tmpdir(), 'cloze-cache-'));
  try {
    const cold = await ask<Answer>(script, request, withoutCache);
    await ask(script, request, withCacheIn(folder));
    return { cold, warm: await ask<Answer>(script, request, withCacheIn(folder)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function ask<Answer extends object>(
  script: string,
  request: object,
  env: Record<string, string>,
): Promise<Answer> {
  const child = forkScript(script, { env });
  const answer = new Promise<Answer | Failure>((resolve) => {
    child.once('message', (message) => resolve(message as Answer | Failure));
    child.once('close', (code) => resolve({ error: `the process ended with ${code}` }));
  });
  child.send(request);
  const message = await answer;
  if ('error' in message) throw new ClozeError('gpu', `measuring failed: ${message.error}`);
  return message;
}

/** In such a script: answers the one request that it gets. */
export function answerRequest<Request, Answer>(serve: (request: Request) => Promise<Answer>): void {
  process.once('message', async (request: Request) => {
    const message = await serve(request).catch((error: Error): Failure => ({ error: error.message }));
    process.send?.(message, () => process.disconnect());
  });
}
