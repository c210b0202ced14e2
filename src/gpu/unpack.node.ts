/** Unpacking what lies compressed inside an npm package, once for each user and version. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';

/**
 * The folder `name` in the user's cache, made by `fill` if it is not there yet. It appears whole or not at all: it is
 * filled under another name and then renamed, so that processes that start together cannot see each other's halves.
 */
export function cachedFolder(name: string, fill: (folder: string) => void): string {
  const homes = [
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'cloze'),
    join(tmpdir(), `cloze-${process.getuid?.() ?? 'cache'}`),
  ];
  const there = homes.map((home) => join(home, name)).find((folder) => existsSync(folder));
  if (there) return there;

  let failure: unknown;
  for (const home of homes) {
    const folder = join(home, name);
    const draft = `${folder}.${randomBytes(6).toString('hex')}`;
    try {
      mkdirSync(draft, { recursive: true, mode: 0o700 });
      fill(draft);
      renameSync(draft, folder);
      return folder;
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (existsSync(folder)) return folder;
      failure = error;
    }
  }
  throw failure;
}

/** Writes the regular files of a tar archive (POSIX.1-1988 ustar) into a folder. */
export function untar(archive: Buffer, folder: string): void {
  const root = resolve(folder) + sep;
  let at = 0;
  while (at + 512 <= archive.length && archive[at] !== 0) {
    const field = (offset: number, length: number) =>
      archive.toString('utf8', at + offset, at + offset + length).replace(/\0.*$/s, '');
    const prefix = field(345, 155);
    const size = Number.parseInt(field(124, 12), 8);
    const isFile = field(156, 1) === '0' || field(156, 1) === '';
    const path = resolve(folder, prefix ? `${prefix}/${field(0, 100)}` : field(0, 100));
    at += 512;
    if (isFile && path.startsWith(root)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, archive.subarray(at, at + size), { mode: 0o755 });
    }
    at += Math.ceil(size / 512) * 512;
  }
}
