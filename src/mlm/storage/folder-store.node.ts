/**
 * A run's files in a folder of the disk. Logs are flushed before a checkpoint is written, so that after a power cut no
 * checkpoint is ahead of its log.
 */
import { appendFile, mkdir, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cleanFolder,
  ioError,
  readFileBytes,
  readFileText,
  readFolder,
  unlessMissing,
  writeFileAtomically,
  writeFolderAtomically,
} from '../data/files.node.ts';
import type { CheckpointFiles, RunStore } from './storage.ts';
import { keptLength, plainLine, plainName } from './storage.ts';

export class FolderStore implements RunStore {
  readonly folder: string;
  private readonly unflushed = new Set<string>();

  /** `folder` need not exist; it is made when the first file is written. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /** Opens a folder for writing: what a killed process left half done is tidied first. */
  static async open(folder: string): Promise<FolderStore> {
    await cleanFolder(folder).catch((error) => {
      throw ioError('write', folder, error);
    });
    return new FolderStore(folder);
  }

  async readText(name: string): Promise<string | undefined> {
    return unlessMissing(readFileText(this.path(name)));
  }

  async readBytes(name: string): Promise<Uint8Array | undefined> {
    return unlessMissing(readFileBytes(this.path(name)));
  }

  async write(name: string, data: Uint8Array | string): Promise<void> {
    return writeFileAtomically(this.path(name), data);
  }

  async writeCheckpoint(name: string, files: CheckpointFiles): Promise<void> {
    for (const file of Object.keys(files)) plainName(file);
    for (const log of this.unflushed) await flush(log);
    this.unflushed.clear();
    await writeFolderAtomically(this.path(name), files);
  }

  async readCheckpoint(name: string): Promise<Record<string, Uint8Array> | undefined> {
    return readFolder(this.path(name));
  }

  async appendLine(name: string, line: string): Promise<void> {
    const path = this.path(name);
    const text = plainLine(line);
    try {
      await mkdir(this.folder, { recursive: true });
      await appendFile(path, text);
    } catch (error) {
      throw ioError('write', path, error, Buffer.byteLength(text));
    }
    this.unflushed.add(path);
  }

  async truncateLines(name: string, keep: (line: string) => boolean): Promise<void> {
    const path = this.path(name);
    const log = await unlessMissing(readFileBytes(path));
    if (!log) return;
    const length = keptLength(log, keep);
    if (length === log.byteLength) return;
    await truncate(path, length).catch((error) => {
      throw ioError('write', path, error);
    });
  }

  private path(name: string): string {
    return join(this.folder, plainName(name));
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, 'r+').catch((error) => {
    throw ioError('write', path, error);
  });
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
