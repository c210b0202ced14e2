/** Where a command reads and writes: the process's own streams, or others in a test. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Writable & { isTTY?: boolean; columns?: number };
  readonly stderr: Writable;
}

/** Writes a line for people. */
export function say(terminal: Terminal, line = ''): void {
  terminal.stdout.write(`${line}\n`);
}
