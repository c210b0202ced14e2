/**
 * A list of commands that can be run again as it stands: pipelines, bind groups and counts, all made already. While one
 * is recorded, its commands also run as usual.
 *
 * Buffers that are acquired meanwhile belong to the recording's arena until it is disposed: the pool hands them to nobody
 * else, so that what a replay writes is nobody else's, and within the recording they are reused as they are freed.
 * Of all other buffers it remembers which loan of the pool it saw, and refuses to run once one of them was given back.
 */
import { ClozeError } from './errors.ts';
import type { Arena, PooledBuffer } from './pool.ts';
import type { Command } from './stream.ts';

/** A buffer that was there before the recording began. */
interface Outsider {
  loan: number;
  what: string;
}

export class Recording {
  readonly name: string;
  readonly arena: Arena;
  readonly commands: Command[] = [];
  /** Every buffer that a command touches. */
  readonly buffers = new Set<PooledBuffer>();
  private readonly outsiders = new Map<PooledBuffer, Outsider>();
  private fault: ClozeError | undefined;

  constructor(name: string, arena: Arena) {
    this.name = name;
    this.arena = arena;
  }

  /** Appends a command; `user` says in an error what touches the buffers. */
  add(command: Command, user: string, views: readonly { buffer: PooledBuffer }[]): void {
    this.commands.push(command);
    for (const { buffer } of views) {
      if (this.buffers.has(buffer)) continue;
      this.buffers.add(buffer);
      if (buffer.arena !== this.arena) {
        this.outsiders.set(buffer, { loan: buffer.loan, what: `${buffer.label} that ${user} uses` });
      }
    }
  }

  /** The error for something that a replay could not repeat. It is thrown at the end too, should nobody see it now. */
  refuse(what: string, remedy: string): ClozeError {
    this.fault ??= this.error(what, remedy);
    return this.fault;
  }

  /** Throws `capture` when the recording was refused, or when a buffer it relies on was given back. */
  check(): void {
    if (this.fault) throw this.fault;
    for (const [buffer, { loan, what }] of this.outsiders) {
      if (buffer.loan === loan) continue;
      throw this.error(`the tensor ${what} was freed`, 'Capture anew with the tensors that took its place');
    }
  }

  private error(what: string, remedy: string): ClozeError {
    return new ClozeError('capture', `the captured step "${this.name}" cannot be replayed: ${what}`, remedy);
  }
}
