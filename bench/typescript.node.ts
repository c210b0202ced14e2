/**
 * TypeScript for a child process. Node 22.18 and later read it by themselves; for older ones its types are cut out by
 * what comes with `vite`, where that is installed.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { ClozeError } from '../src/gpu/index.ts';

const dataUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** Hooks of Node's module loader, as a module of their own: they run in a thread apart. */
const hooks = (vite: string) => `
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transformWithOxc } from ${JSON.stringify(vite)};
export async function load(url, context, next) {
  if (!/^file:.*\\.m?ts$/.test(url)) return next(url, context);
  const path = fileURLToPath(url);
  const { code } = await transformWithOxc(await readFile(path, 'utf8'), path);
  return { format: 'module', source: code, shortCircuit: true };
}
`;

/** Arguments with which Node imports TypeScript. Throws `option` when nothing here can read it. */
export function typeScriptArguments(): string[] {
  if ('typescript' in process.features && process.features.typescript) return [];
  let vite: string;
  try {
    vite = pathToFileURL(createRequire(import.meta.url).resolve('vite')).href;
  } catch {
    throw new ClozeError(
      'option',
      `Node ${process.versions.node} does not read TypeScript`,
      'Use Node 22.18 or later, or install vite (npm install --save-dev vite), or give the kernel as .js',
    );
  }
  const register = `import { register } from 'node:module'; register(${JSON.stringify(dataUrl(hooks(vite)))});`;
  return ['--import', dataUrl(register)];
}
