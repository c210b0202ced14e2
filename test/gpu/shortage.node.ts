/** A process that may take no more memory, for tests of what happens then. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Why memory cannot be limited here; undefined where it can. */
export const noShortage =
  spawnSync('prlimit', ['--version']).status === 0
    ? undefined
    : 'limiting memory needs Linux and its prlimit';

/** Runs `work` while the address space of this process may grow by no more than `slack` bytes: drivers then get no more either. */
export async function withMemoryFor<T>(slack: number, work: () => Promise<T>): Promise<T> {
  limit(`${taken() + slack}`);
  try {
    return await work();
  } finally {
    limit('unlimited');
  }
}

/** What a process needs by itself while a buffer is made. */
const slack = 1 << 24;

/**
 * Until it is disposed, the device's buffers may take no more than `budget` bytes in all. In place of one that is over, the driver is
 * asked for the largest that it allows while the process may take no more memory, so that it fails for real.
 */
export function limitBuffers(gpu: GPUDevice, budget: number): Disposable {
  const create = gpu.createBuffer.bind(gpu);
  let used = 0;
  gpu.createBuffer = (descriptor) => {
    const { size } = descriptor;
    if (used + size > budget) {
      limit(`${taken() + slack}`);
      const none = create({ ...descriptor, size: gpu.limits.maxBufferSize });
      limit('unlimited');
      return none;
    }
    const buffer = create(descriptor);
    used += size;
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      used -= size;
      return destroy();
    };
    return buffer;
  };
  return { [Symbol.dispose]: () => Reflect.deleteProperty(gpu, 'createBuffer') };
}

/** Bytes of this process's address space. */
function taken(): number {
  const [, kilobytes] = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return 1024 * Number(kilobytes);
}

/** Sets the soft limit alone, which may be raised again. */
function limit(bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', `${process.pid}`, `--as=${bytes}:`]);
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}
