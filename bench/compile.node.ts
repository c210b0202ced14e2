/** `cloze bench compile`: what compiling costs a process when the driver's cache on disk is off, and when it is full. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClozeError } from '../src/gpu/index.ts';
import type { CompileTime } from './compile.ts';
import type { CompileMessage, CompileRequest } from './compileProcess.node.ts';
import { forkScript } from './fork.node.ts';
import { columns, digits } from './report.ts';

type Times = Pick<CompileTime, 'pipeline' | 'firstCall'>;

export interface CompileRow extends Pick<CompileTime, 'kernel' | 'variant'> {
  cold: Times;
  warm: Times;
}

export interface CompileReport {
  adapter: string;
  rows: CompileRow[];
}

/** Mesa and NVIDIA's driver listen to these. */
const withoutCache = { MESA_SHADER_CACHE_DISABLE: 'true', __GL_SHADER_DISK_CACHE: '0' };
const withCacheIn = (folder: string) => ({
  MESA_SHADER_CACHE_DISABLE: 'false',
  MESA_SHADER_CACHE_DIR: folder,
  __GL_SHADER_DISK_CACHE: '1',
  __GL_SHADER_DISK_CACHE_PATH: folder,
});

/**
 * Three processes: one without a cache, one that fills an empty cache, one that finds it full. Throws `gpu` with what
 * went wrong in one of them.
 */
export async function compareCompile(request: CompileRequest): Promise<CompileReport> {
  const folder = await mkdtemp(join(tmpdir(), 'cloze-compile-'));
  try {
    const cold = await inProcess(request, withoutCache);
    await inProcess(request, withCacheIn(folder));
    const warm = await inProcess(request, withCacheIn(folder));
    const times = ({ pipeline, firstCall }: CompileTime): Times => ({ pipeline, firstCall });
    const rows = cold.times.map((time, i) => {
      const { kernel, variant } = time;
      return { kernel, variant, cold: times(time), warm: times(warm.times[i]) };
    });
    return { adapter: cold.adapter, rows };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function inProcess(request: CompileRequest, env: Record<string, string>) {
  const child = forkScript('compileProcess.node', { env });
  const answer = new Promise<CompileMessage>((resolve) => {
    child.once('message', resolve);
    child.once('close', (code) => resolve({ error: `the process ended with ${code}` }));
  });
  child.send(request);
  const message = await answer;
  if ('error' in message) throw new ClozeError('gpu', `compiling failed: ${message.error}`);
  return message;
}

export function compileText({ adapter, rows }: CompileReport): string[] {
  const total = (of: (row: CompileRow) => Times) =>
    rows.map(of).reduce((sum, { pipeline, firstCall }) => sum + pipeline + firstCall, 0);
  const text = ({ pipeline, firstCall }: Times) => `${digits(pipeline)} + ${digits(firstCall)}`;
  const all = [total(({ cold }) => cold), total(({ warm }) => warm)].map(digits);
  return [
    adapter,
    '',
    ...columns(
      [
        ['kernel', 'variant', 'cold ms', 'warm ms'],
        ...rows.map(({ kernel, variant, cold, warm }) => [kernel, variant, text(cold), text(warm)]),
        ['in all', `${rows.length} texts`, ...all],
      ],
      2,
    ),
  ];
}
