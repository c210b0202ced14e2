/** Scripts of this folder as processes of their own, whether they run from sources or from `dist`. */
import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { typeScriptArguments } from './typescript.node.ts';

/** `name` is the script's, without its extension; `typed` tells whether it will import TypeScript. */
export function forkScript(
  name: string,
  { typed = false, env = {} }: { typed?: boolean; env?: Record<string, string> } = {},
): ChildProcess {
  const extension = extname(fileURLToPath(import.meta.url));
  const fromSources = extension === '.ts';
  return fork(fileURLToPath(new URL(`./${name}${extension}`, import.meta.url)), [], {
    execArgv: [
      ...(fromSources ? ['--conditions=cloze-source'] : []),
      ...(fromSources || typed ? typeScriptArguments() : []),
    ],
    env: { ...process.env, ...env },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}
