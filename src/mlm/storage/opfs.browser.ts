/**
 * The browser's own file system for this page (the origin private file system), which survives a reload. A file that is written
 * appears when it is closed, whole or not at all. A folder cannot be renamed, so one that is to be replaced as a whole is numbered,
 * and a file beside it names the number that counts.
 */
import { ClozeError } from '../../gpu/errors.ts';
import { plainName } from './storage.ts';

/** A folder of the page's file system, made where it is missing. Throws `io` where the browser keeps no files. */
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

export async function readFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const handle = await unlessMissing(folder.getFileHandle(name));
  return handle && new Uint8Array(await (await io(handle.getFile())).arrayBuffer());
}

/** `data`: bytes or text, or a file or a download, which is copied without ever being in memory as a whole. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  data: Uint8Array | string | Blob | AsyncIterable<Uint8Array>,
): Promise<void> {
  const handle = await io(folder.getFileHandle(name, { create: true }));
  const writable = await io(handle.createWritable());
  try {
    if (typeof data === 'object' && Symbol.asyncIterator in data) {
      for await (const chunk of data) await io(writable.write(chunk as Uint8Array<ArrayBuffer>));
    } else await io(writable.write(data as Uint8Array<ArrayBuffer> | string | Blob));
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
  await io(writable.close());
}

/** The folder `name` as it was last committed; undefined when it never was. */
export async function committedFolder(
  parent: FileSystemDirectoryHandle,
  name: string,
): Promise<FileSystemDirectoryHandle | undefined> {
  const number = await committedNumber(parent, name);
  if (number === undefined) return undefined;
  return unlessMissing(parent.getDirectoryHandle(`${name}.${number}`));
}

/** A folder that takes the place of `name` when it is committed. */
export interface NewFolder {
  readonly folder: FileSystemDirectoryHandle;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Begins a new folder `name`; what was begun in `parent` before and never committed is removed. */
export async function beginFolder(parent: FileSystemDirectoryHandle, name: string): Promise<NewFolder> {
  const before = await committedNumber(parent, name);
  const after = (before ?? 0) + 1;
  await removeUnfinished(parent);
  return {
    folder: await io(parent.getDirectoryHandle(`${name}.${after}`, { create: true })),
    async commit() {
      await writeFile(parent, `${name}.current`, `${after}`);
      if (before !== undefined) await removeEntry(parent, `${name}.${before}`);
    },
    abort: () => removeEntry(parent, `${name}.${after}`),
  };
}

async function removeUnfinished(parent: FileSystemDirectoryHandle): Promise<void> {
  const names: string[] = [];
  for await (const name of parent.keys()) names.push(name);
  for (const entry of names) {
    const [, name, number] = /^(.+)\.(\d+)$/.exec(entry) ?? [];
    if (name && Number(number) !== (await committedNumber(parent, name))) await removeEntry(parent, entry);
  }
}

async function committedNumber(parent: FileSystemDirectoryHandle, name: string): Promise<number | undefined> {
  const bytes = await readFile(parent, `${name}.current`);
  return bytes && Number(new TextDecoder().decode(bytes));
}

export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return undefined;
    throw ioError(error);
  }
}

export async function io<T>(work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw ioError(error);
  });
}

export function ioError(cause: unknown): ClozeError {
  if (cause instanceof ClozeError) return cause;
  const { name, message } = cause as DOMException;
  const full = name === 'QuotaExceededError';
  return new ClozeError(
    'io',
    full ? 'the browser has no more room for files of this page' : `the page's files: ${message}`,
    full ? 'Remove earlier runs' : undefined,
    { cause },
  );
}
