/** A run's files in the browser's own file system for this page. */
import { beginFolder, committedFolder, io, openFolder, readFile, writeFile } from './opfs.browser.ts';
import type { CheckpointFiles, RunStore } from './storage.ts';
import { keptLength, plainLine, plainName } from './storage.ts';

/** Bytes of a log that may wait for the next checkpoint: a file of this kind is rewritten whenever it grows. */
const mostWaiting = 1 << 16;

export class OpfsStore implements RunStore {
  /** What else belongs to the run may lie here. */
  readonly folder: FileSystemDirectoryHandle;
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
    const next = await beginFolder(this.folder, plainName(name));
    for (const [file, data] of Object.entries(files)) await writeFile(next.folder, file, data);
    await next.commit();
  }

  async readCheckpoint(name: string): Promise<Record<string, Uint8Array> | undefined> {
    const folder = await committedFolder(this.folder, plainName(name));
    if (!folder) return undefined;
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
}
