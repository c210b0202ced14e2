/** Runs the command in this process, with streams of its own. */
import { Readable, Writable } from 'node:stream';
import { runCommand } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

export class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export function memoryTerminal(stdin = ''): Terminal & { stdout: Memory; stderr: Memory } {
  return { stdin: Readable.from([stdin]), stdout: new Memory(), stderr: new Memory() };
}

/** What a command printed with `--json`, line by line. */
export const jsonLines = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

export async function cloze(
  args: string[],
  stdin?: string,
): Promise<{ code: number; out: string; err: string }> {
  const terminal = memoryTerminal(stdin);
  const code = await runCommand(args, terminal);
  return { code, out: terminal.stdout.text, err: terminal.stderr.text };
}
