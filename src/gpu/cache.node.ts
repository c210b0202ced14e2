/** Small texts in the user's cache folder: `cloze/` in XDG_CACHE_HOME, or where the system keeps its caches. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ClozeError } from './errors.ts';
import type { TextCache } from './platform.ts';

function folder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'cloze');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'cloze');
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'cloze', 'cache');
  return join(homedir(), '.cache', 'cloze');
}

const place = (name: string) => join(folder(), name);

function failure(verb: string, path: string, cause: unknown): ClozeError {
  return new ClozeError('io', `cannot ${verb} ${path}: ${(cause as Error).message}`, undefined, { cause });
}

export const cache: TextCache = {
  place,

  async read(name) {
    try {
      return await readFile(place(name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw failure('read', place(name), error);
    }
  },

  async write(name, text) {
    const temporary = `${place(name)}.${process.pid}`;
    try {
      await mkdir(folder(), { recursive: true });
      await writeFile(temporary, text);
      await rename(temporary, place(name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw failure('write', place(name), error);
    }
  },

  async remove(name) {
    await rm(place(name), { force: true }).catch((error) => {
      throw failure('remove', place(name), error);
    });
  },
};
