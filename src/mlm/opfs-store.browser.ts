/**
 * A run's files in the browser's own file system for this page (the origin private file system), which survives a reload. A file that is
 * written appears when it is closed, whole or not at all. A checkpoint is a numbered folder, and a file beside it names the
 * number that counts.
 */
import { ClozeError } from '../gpu/errors.ts';
import type { CheckpointFiles, RunStore } from './storage.ts';
import { keptLength, plainLine, plainName } from './storage.ts';

/** Bytes of a log that may wait for the next checkpoint: a file of this kind is rewritten whenever it grows. */
const mostWaiting = 1 << 16;

export class OpfsStore implements RunStore {
  private readonly folder: FileSystemDirectoryHandle;
  /** Lines by log that are not yet written. */
  private readonly waiting = new Map<string, string>();

  constructor(folder: FileSystemDirectoryHandle) {
    this.folder = folder;
  }

  /** The store in a folder at `path`, which is made where it is missing. Throws `io` where the browser keeps no files. */
  static async open(path: readonly string[]): Promise<OpfsStore> {
    return new OpfsStore(await openFolder(path));
  }

  async readText(name: string): Promise<string | undefined> {
    const bytes = await this.readBytes(name);
    return bytes && new TextDecoder().decode(bytes);
  }

  async readBytes(name: string): Promise<Uint8Array | undefined> {
    await this.flush(plainName(name));
    return readFile(this.folder, name);
  }

  async write(name: string, data: Uint8Array | string): Promise<void> {
    await writeFile(this.folder, plainName(name), data);
  }

  async writeCheckpoint(name: string, files: CheckpointFiles): Promise<void> {
    for (const file of Object.keys(files)) plainName(file);
    for (const log of this.waiting.keys()) await this.flush(log);
    const before = await this.current(plainName(name));
    const after = (before ?? 0) + 1;
    // A folder of that number is what a page that was closed left half done.
    await removeEntry(this.folder, `${name}.${after}`);
    const folder = await io(this.folder.getDirectoryHandle(`${name}.${after}`, { create: true }));
    for (const [file, data] of Object.entries(files)) await writeFile(folder, file, data);
    await writeFile(this.folder, `${name}.current`, `${after}`);
    if (before !== undefined) await removeEntry(this.folder, `${name}.${before}`);
  }

  async readCheckpoint(name: string): Promise<Record<string, Uint8Array> | undefined> {
    const current = await this.current(plainName(name));
    if (current === undefined) return undefined;
    const folder = await io(this.folder.getDirectoryHandle(`${name}.${current}`));
    const files: Record<string, Uint8Array> = {};
    for await (const [file, handle] of folder.entries()) {
      if (handle.kind === 'file') files[file] = (await readFile(folder, file)) as Uint8Array;
    }
    return files;
  }

  async appendLine(name: string, line: string): Promise<void> {
    const lines = (this.waiting.get(plainName(name)) ?? '') + plainLine(line);
    this.waiting.set(name, lines);
    if (lines.length > mostWaiting) await this.flush(name);
  }

  async truncateLines(name: string, keep: (line: string) => boolean): Promise<void> {
    const log = await this.readBytes(name);
    if (!log) return;
    const length = keptLength(log, keep);
    if (length < log.byteLength) await writeFile(this.folder, name, log.slice(0, length));
  }

  private async flush(log: string): Promise<void> {
    const lines = this.waiting.get(log);
    if (lines === undefined) return;
    this.waiting.delete(log);
    const handle = await io(this.folder.getFileHandle(log, { create: true }));
    const { size } = await io(handle.getFile());
    const writable = await io(handle.createWritable({ keepExistingData: true }));
    await io(writable.write({ type: 'write', position: size, data: lines }));
    await io(writable.close());
  }

  private async current(name: string): Promise<number | undefined> {
    const bytes = await readFile(this.folder, `${name}.current`);
    return bytes && Number(new TextDecoder().decode(bytes));
  }
}

/** A folder of the page's file system, made where it is missing. */
export async function openFolder(path: readonly string[]): Promise<FileSystemDirectoryHandle> {
  if (!globalThis.navigator?.storage?.getDirectory) {
    throw new ClozeError(
      'io',
      'this browser keeps no files for a page',
      'Use a current browser, over https or localhost',
    );
  }
  let folder = await io(navigator.storage.getDirectory());
  for (const name of path) folder = await io(folder.getDirectoryHandle(plainName(name), { create: true }));
  return folder;
}

/** Removes a file or a folder with all that is in it; nothing happens where there is none. */
export async function removeEntry(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  await unlessMissing(folder.removeEntry(name, { recursive: true }));
}

async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array | undefined> {
  const handle = await unlessMissing(folder.getFileHandle(name));
  return handle && new Uint8Array(await (await io(handle.getFile())).arrayBuffer());
}

async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  data: Uint8Array | string,
): Promise<void> {
  const handle = await io(folder.getFileHandle(name, { create: true }));
  const writable = await io(handle.createWritable());
  try {
    await io(writable.write(data as Uint8Array<ArrayBuffer> | string));
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
  await io(writable.close());
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return undefined;
    throw ioError(error);
  }
}

async function io<T>(work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw ioError(error);
  });
}

function ioError(cause: unknown): ClozeError {
  const { name, message } = cause as DOMException;
  const full = name === 'QuotaExceededError';
  return new ClozeError(
    'io',
    full ? 'the browser has no more room for files of this page' : `the page's files: ${message}`,
    full ? 'Remove earlier runs' : undefined,
    { cause },
  );
}
