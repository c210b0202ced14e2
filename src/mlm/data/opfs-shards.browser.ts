/**
 * Shards in the browser's own file system for this page, for workers alone: a page has no files that are read at any place at once.
 */
import { ClozeError } from '../../gpu/errors.ts';
import {
  beginFolder,
  committedFolder,
  io,
  ioError,
  readFile,
  unlessMissing,
} from '../storage/opfs.browser.ts';
import { plainName } from '../storage/storage.ts';
import type { ShardFile, ShardFolder, ShardStore, ShardWriter } from './shards.ts';

/** What a worker has beyond the files of a page (`FileSystemSyncAccessHandle`). */
interface SyncHandle {
  getSize(): number;
  read(target: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}

/** A handle locks its file; browsers that know `read-only` let several read. */
type Mode = 'read-only' | 'readwrite';
type SyncFile = FileSystemFileHandle & {
  createSyncAccessHandle?(options?: { mode: Mode }): Promise<SyncHandle>;
};

/** Shards in a folder of the page's file system. What a worker that was ended had begun there is removed by the next one that writes. */
export function opfsShards(root: FileSystemDirectoryHandle): ShardStore {
  /** Files that are open, by key and name: some browsers allow one handle a file. */
  const opened = new Map<string, SyncHandle>();
  const close = (key: string) => {
    for (const [path, handle] of opened) {
      if (!path.startsWith(`${key}/`)) continue;
      handle.close();
      opened.delete(path);
    }
  };
  return {
    async open(key) {
      const folder = await committedFolder(root, plainName(key));
      return folder && shardFolder(folder, `${key}/`, opened);
    },
    async create(key) {
      close(plainName(key));
      return writer(root, key);
    },
  };
}

function shardFolder(
  folder: FileSystemDirectoryHandle,
  path: string,
  opened: Map<string, SyncHandle>,
): ShardFolder {
  return {
    read: (name) => readFile(folder, plainName(name)),
    async openFile(name) {
      const file = await unlessMissing(folder.getFileHandle(plainName(name)));
      if (!file) return undefined;
      const handle = opened.get(path + name) ?? (await syncHandle(file, 'read-only'));
      opened.set(path + name, handle);
      return readable(handle, name);
    },
  };
}

function readable(handle: SyncHandle, name: string): ShardFile {
  return {
    size: handle.getSize(),
    read(target, at) {
      for (let done = 0; done < target.length; ) {
        const count = handle.read(target.subarray(done), { at: at + done });
        if (count === 0) throw new ClozeError('io', `the page's files: ${name} has become shorter`);
        done += count;
      }
    },
  };
}

async function writer(root: FileSystemDirectoryHandle, key: string): Promise<ShardWriter> {
  const next = await beginFolder(root, key);
  const files = new Map<string, SyncHandle>();
  const closeAll = () => {
    for (const file of files.values()) file.close();
    files.clear();
  };
  const open = async (name: string) =>
    syncHandle(await io(next.folder.getFileHandle(plainName(name), { create: true })), 'readwrite');
  return {
    async append(name, bytes) {
      const file = files.get(name) ?? (await open(name));
      files.set(name, file);
      try {
        const at = file.getSize();
        for (let done = 0; done < bytes.length; ) {
          const count = file.write(bytes.subarray(done), { at: at + done });
          if (count === 0) throw new DOMException('nothing was written', 'QuotaExceededError');
          done += count;
        }
      } catch (error) {
        throw ioError(error);
      }
    },
    async commit() {
      for (const file of files.values()) file.flush();
      closeAll();
      await next.commit();
    },
    async abort() {
      closeAll();
      await next.abort();
    },
  };
}

async function syncHandle(file: SyncFile, mode: Mode): Promise<SyncHandle> {
  if (file.createSyncAccessHandle) return io(file.createSyncAccessHandle({ mode }));
  throw new ClozeError('io', 'shards are read by workers alone', 'Open the session in a worker.');
}
