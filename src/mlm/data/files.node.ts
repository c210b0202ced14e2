/**
 * Files that are whole or not there. A file or folder is written under a temporary name beside its place, flushed to
 * the disk, and renamed; the folder above is flushed so that the name survives a power cut too.
 *
 * Renaming cannot replace a folder that holds something, so an old checkpoint P steps aside to `P.cloze-old` first. If
 * the process dies between the two renames, P is gone and `P.cloze-old` is the checkpoint: readers take it, and the next
 * writer puts it back. Deletion begins with a rename to a temporary name. Hence P and `P.cloze-old` are whole whenever
 * they exist, one of them always exists, and every name that ends in `.cloze-tmp-` and a process id is rubbish.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ClozeError } from '../../gpu/errors.ts';
import type { CheckpointFiles } from '../storage/storage.ts';

const ASIDE = '.cloze-old';
const asideOf = (path: string) => path + ASIDE;
const temporaryOf = (path: string) => `${path}.cloze-tmp-${process.pid}`;

/** Reads a file. Throws a ClozeError with the code `io` that names it when it cannot. */
export async function readFileBytes(path: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (error) {
    throw ioError('read', path, error);
  }
}

/** Reads a text file in UTF-8. Throws the code `io` when it cannot be read, `input` when it is no text. */
export async function readFileText(path: string): Promise<string> {
  const bytes = await readFileBytes(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ClozeError('input', `${path} is not UTF-8 text`, 'Convert it to UTF-8.', { cause: error });
  }
}

/** What `action` gives, or undefined when it fails because its file does not exist. */
export async function unlessMissing<T>(action: Promise<T>): Promise<T | undefined> {
  try {
    return await action;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf((error as Error).cause) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes or replaces a file. On an error the old file is kept and the temporary one removed. */
export async function writeFileAtomically(path: string, data: Uint8Array | string): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeThrough(temporary, data);
    await rename(temporary, path);
    await flushFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw ioError('write', path, error, Buffer.byteLength(data));
  }
}

/**
 * Writes or replaces a folder that holds `files` and nothing else. On an error (a full disk, say) the old folder is
 * kept and what was written is removed. One process at a time may write to a folder.
 */
export async function writeFolderAtomically(path: string, files: CheckpointFiles): Promise<void> {
  const temporary = temporaryOf(path);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    for (const [name, data] of Object.entries(files)) await writeThrough(join(temporary, name), data);
    await flushFolder(temporary);
    await restoreFolder(path);
    await unlessMissing(rename(path, asideOf(path)));
    await rename(temporary, path);
    await flushFolder(dirname(path));
    await discard(asideOf(path));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    await restoreFolder(path).catch(() => undefined);
    const bytes = Object.values(files).reduce((sum, data) => sum + Buffer.byteLength(data), 0);
    throw ioError('write', path, error, bytes);
  }
}

/**
 * Reads the files of a folder that {@link writeFolderAtomically} wrote; undefined when there is none. Another process
 * may replace the folder meanwhile: what is returned is all from one version, the old or the new.
 */
export async function readFolder(path: string): Promise<Record<string, Uint8Array> | undefined> {
  try {
    for (let attempt = 0; attempt < 100; attempt++) {
      let found = false;
      // The first place once more at the end, since the writer may have finished between the two looks.
      for (const place of [path, asideOf(path), path]) {
        const before = await unlessMissing(identity(place));
        if (before === undefined) continue;
        found = true;
        const files = await unlessMissing(readAll(place));
        if (files && (await unlessMissing(identity(place))) === before) return files;
      }
      if (!found) return undefined;
    }
  } catch (error) {
    throw ioError('read', path, error);
  }
  throw new ClozeError('io', `${path} changes faster than it can be read`, 'Try again.');
}

/**
 * Tidies a folder in which an earlier process may have died: puts the checkpoints back that had stepped aside and
 * removes temporary files, except those of another process that is still alive. Writers call this when they start.
 */
export async function cleanFolder(folder: string): Promise<void> {
  for (const name of (await unlessMissing(readdir(folder))) ?? []) {
    const owner = /\.cloze-tmp-(\d+)$/.exec(name)?.[1];
    if (owner && !isOtherProcess(Number(owner)))
      await rm(join(folder, name), { recursive: true, force: true });
    if (name.endsWith(ASIDE)) await restoreFolder(join(folder, basename(name, ASIDE)));
  }
}

/** After this, nothing stands aside, and `path` exists if one of the two did. */
async function restoreFolder(path: string): Promise<void> {
  if (await unlessMissing(stat(path))) await discard(asideOf(path));
  else await unlessMissing(rename(asideOf(path), path));
}

/** Removes a folder without it ever being there by half. */
async function discard(path: string): Promise<void> {
  const rubbish = temporaryOf(path);
  await rm(rubbish, { recursive: true, force: true });
  await unlessMissing(rename(path, rubbish));
  await rm(rubbish, { recursive: true, force: true });
}

async function readAll(folder: string): Promise<Record<string, Uint8Array>> {
  const files: [string, Uint8Array][] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) files.push([entry.name, await readFileBytes(join(folder, entry.name))]);
  }
  return Object.fromEntries(files);
}

/** Tells one version of a folder from the next. Inode numbers are used again, but not within a tick of the clock. */
async function identity(folder: string): Promise<string> {
  const { ino, mtimeNs } = await stat(folder, { bigint: true });
  return `${ino} ${mtimeNs}`;
}

async function writeThrough(path: string, data: Uint8Array | string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. Windows does so by itself and refuses to open a folder. */
async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isOtherProcess(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const CAUSES: Record<string, [what: string, remedy: string]> = {
  ENOENT: ['there is no such file', 'Check the path.'],
  ENOTDIR: ['a part of the path is a file', 'Check the path.'],
  EISDIR: ['it is a folder', 'Name a file.'],
  EACCES: ['permission denied', 'Change its permissions or choose another path.'],
  EPERM: ['permission denied', 'Change its permissions or choose another path.'],
  EROFS: ['the file system is read-only', 'Choose another path.'],
  ENOSPC: ['the disk is full', 'Free some space or choose another path.'],
  EDQUOT: ['the disk quota is used up', 'Free some space or choose another path.'],
};

/** Turns an error of the file system into one line for people. `needed`: how many bytes were to be written. */
export function ioError(action: 'read' | 'write', path: string, error: unknown, needed?: number): ClozeError {
  if (error instanceof ClozeError) return error;
  const code = codeOf(error) ?? '';
  const [what, remedy] = CAUSES[code] ?? [String((error as Error).message).split('\n')[0], undefined];
  const space =
    needed !== undefined && (code === 'ENOSPC' || code === 'EDQUOT') ? `, ${needed} bytes were needed` : '';
  const kept = space ? '; what stood there before is kept' : '';
  return new ClozeError('io', `Cannot ${action} ${path}: ${what}${space}${kept}`, remedy, { cause: error });
}
