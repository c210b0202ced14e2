/**
 * Where a run keeps its files. The trainer knows this interface alone; on Node a folder stands behind it
 * (`files.node.ts`), in tests and in a page a {@link MemoryStore}. Names are plain file names without folders.
 *
 * A checkpoint is several files under one name that only ever change together: whoever reads it, whenever the writer
 * was killed, gets the whole old one or the whole new one. A log is a text file that grows line by line.
 */
import { ClozeError } from '../../gpu/errors.ts';

/** The files of a checkpoint by name; text is stored as UTF-8. */
export type CheckpointFiles = Record<string, Uint8Array | string>;

export interface RunStore {
  /** The text of a file; undefined when there is none. */
  readText(name: string): Promise<string | undefined>;
  /** The bytes of a file; undefined when there is none. */
  readBytes(name: string): Promise<Uint8Array | undefined>;
  /** Writes a single file, whole or not at all. */
  write(name: string, data: Uint8Array | string): Promise<void>;
  /** Replaces the checkpoint `name`, whole or not at all. On an error the one before is kept. */
  writeCheckpoint(name: string, files: CheckpointFiles): Promise<void>;
  /** The files of a checkpoint; undefined when there is none. */
  readCheckpoint(name: string): Promise<Record<string, Uint8Array> | undefined>;
  /** Adds a line to a log, making the log when there is none. `line` holds no newline. */
  appendLine(name: string, line: string): Promise<void>;
  /** Cuts a log before the first line that `keep` refuses; a last line without its newline goes in any case. */
  truncateLines(name: string, keep: (line: string) => boolean): Promise<void>;
}

/**
 * For `truncateLines` when a run resumes from `step`: the lines of later steps go, and so does whatever is not JSON.
 * The resumed run writes them again, and its log ends up as that of a run that was never interrupted.
 */
export function upToStep(step: number): (line: string) => boolean {
  return (line) => {
    try {
      const event: unknown = JSON.parse(line);
      const at = typeof event === 'object' && event !== null && 'step' in event ? event.step : undefined;
      return typeof at !== 'number' || at <= step;
    } catch {
      return false;
    }
  };
}

/** How many bytes of `log` the whole lines take that stand before the first one that `keep` refuses. */
export function keptLength(log: Uint8Array, keep: (line: string) => boolean): number {
  const newline = 10;
  const decoder = new TextDecoder();
  let kept = 0;
  for (let end = log.indexOf(newline); end >= 0; end = log.indexOf(newline, kept)) {
    if (!keep(decoder.decode(log.subarray(kept, end)))) break;
    kept = end + 1;
  }
  return kept;
}

/** Refuses names that would reach out of the run's folder. Returns the name. */
export function plainName(name: string): string {
  if (/^[\w-][\w.-]*$/.test(name)) return name;
  throw new ClozeError(
    'option',
    `${JSON.stringify(name)} is no plain file name`,
    'Use letters, digits, ".", "_", "-".',
  );
}

/** A line that is one line. */
export function plainLine(line: string): string {
  if (!/[\r\n]/.test(line)) return `${line}\n`;
  throw new ClozeError('input', 'A line of a log holds a line break', 'Write it as JSON.');
}

/** Keeps everything in memory. What goes in and what comes out are copies. */
export class MemoryStore implements RunStore {
  private readonly files = new Map<string, Uint8Array>();
  private readonly checkpoints = new Map<string, Map<string, Uint8Array>>();

  async readText(name: string): Promise<string | undefined> {
    const bytes = this.files.get(plainName(name));
    return bytes && new TextDecoder().decode(bytes);
  }

  async readBytes(name: string): Promise<Uint8Array | undefined> {
    return this.files.get(plainName(name))?.slice();
  }

  async write(name: string, data: Uint8Array | string): Promise<void> {
    this.files.set(plainName(name), copyOf(data));
  }

  async writeCheckpoint(name: string, files: CheckpointFiles): Promise<void> {
    const copies = Object.entries(files).map(([file, data]) => [plainName(file), copyOf(data)] as const);
    this.checkpoints.set(plainName(name), new Map(copies));
  }

  async readCheckpoint(name: string): Promise<Record<string, Uint8Array> | undefined> {
    const files = this.checkpoints.get(plainName(name));
    return files && Object.fromEntries([...files].map(([file, bytes]) => [file, bytes.slice()]));
  }

  async appendLine(name: string, line: string): Promise<void> {
    const before = this.files.get(plainName(name)) ?? new Uint8Array(0);
    const added = copyOf(plainLine(line));
    const after = new Uint8Array(before.byteLength + added.byteLength);
    after.set(before);
    after.set(added, before.byteLength);
    this.files.set(name, after);
  }

  async truncateLines(name: string, keep: (line: string) => boolean): Promise<void> {
    const log = this.files.get(plainName(name));
    if (log) this.files.set(name, log.slice(0, keptLength(log, keep)));
  }
}

function copyOf(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? new TextEncoder().encode(data) : data.slice();
}
