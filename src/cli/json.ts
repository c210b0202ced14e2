/** Output for programs: one JSON value a line on stdout. A number that is not finite is written as null. */
import type { Terminal } from './terminal.ts';

export function sayJson(terminal: Terminal, value: unknown): void {
  terminal.stdout.write(`${JSON.stringify(value)}\n`);
}
