/** The texts that a command is given: as arguments, as lines of stdin, as lines of a file. */
import { createInterface } from 'node:readline';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText } from '../mlm/data/files.node.ts';
import type { Terminal } from './terminal.ts';

/**
 * The arguments, of which `-` stands for the lines of stdin, and the lines of `file`. Empty lines are left out. Throws ClozeError `input`
 * when nothing is left.
 */
export async function readTexts(
  texts: readonly string[],
  file: string | undefined,
  { stdin }: Terminal,
): Promise<string[]> {
  const fromStdin: string[] = [];
  if (texts.includes('-')) for await (const line of createInterface({ input: stdin })) fromStdin.push(line);
  const fromFile = file === undefined ? [] : (await readFileText(file)).split(/\r?\n/);
  const all = [...texts.flatMap((text) => (text === '-' ? fromStdin : [text])), ...fromFile];
  const kept = all.filter((text) => text.trim() !== '');
  if (kept.length > 0) return kept;
  throw new ClozeError('input', 'there is no text', 'Write some as arguments, or one a line for - or --file');
}
