/** Shards in folders of the disk, under a temporary name until they are whole. */
import { fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanFolder, ioError, readFileBytes, unlessMissing } from './files.node.ts';
import type { ShardFile, ShardFolder, ShardStore, ShardWriter } from './shards.ts';

/** What a process that died had begun in `root` is removed by the next one that writes there. */
export function folderShards(root: string): ShardStore {
  return {
    async open(key) {
      const folder = join(root, key);
      const exists = await unlessMissing(open(folder, 'r')).catch((error) => {
        throw ioError('read', folder, error);
      });
      await exists?.close();
      return exists && shardFolder(folder);
    },
    async create(key) {
      await cleanFolder(root);
      return beginFolder(join(root, key));
    },
  };
}

function shardFolder(folder: string): ShardFolder {
  return {
    read: (name) =>
      unlessMissing(readFileBytes(join(folder, name))) as Promise<Uint8Array<ArrayBuffer> | undefined>,
    async openFile(name) {
      const path = join(folder, name);
      try {
        const file = openSync(path, 'r');
        return readable(file, path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw ioError('read', path, error);
      }
    },
  };
}

function readable(file: number, path: string): ShardFile {
  return {
    size: fstatSync(file).size,
    read(target, at) {
      for (let done = 0; done < target.length; ) {
        const count = readSync(file, target, done, target.length - done, at + done);
        if (count === 0) throw ioError('read', path, new Error('it has become shorter'));
        done += count;
      }
    },
  };
}

async function beginFolder(folder: string): Promise<ShardWriter> {
  const temporary = `${folder}.cloze-tmp-${process.pid}`;
  const files = new Map<string, FileHandle>();
  const tried = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw ioError('write', folder, error);
    }
  };
  const close = async () => {
    for (const file of files.values()) await file.close();
    files.clear();
  };
  await tried(async () => {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
  });
  return {
    append: (name, bytes) =>
      tried(async () => {
        const file = files.get(name) ?? (await open(join(temporary, name), 'w'));
        files.set(name, file);
        await file.writeFile(bytes);
      }),
    commit: () =>
      tried(async () => {
        for (const file of files.values()) await file.sync();
        await close();
        await rm(folder, { recursive: true, force: true });
        await rename(temporary, folder);
      }),
    async abort() {
      await close().catch(() => {});
      await rm(temporary, { recursive: true, force: true });
    },
  };
}
