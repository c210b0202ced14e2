/** Where there is a Python with PyTorch. */
import { spawnSync } from 'node:child_process';

/**
 * CLOZE_PYTHON or the first Python on the path, else the system's, which alone has the packages of Debian; undefined, with a reason
 * printed, where neither has PyTorch.
 */
export function findPython(): string | undefined {
  const python = [process.env.CLOZE_PYTHON ?? 'python3', '/usr/bin/python3'].find(
    (command) => spawnSync(command, ['-c', 'import torch']).status === 0,
  );
  if (!python) console.warn('Skipped: no Python with PyTorch here (Debian: apt-get install python3-torch)');
  return python;
}
