/** What a WGSL compiler objects to, with the lines around it. */
import type { Device } from '../src/gpu/index.ts';

export interface WgslFault {
  message: string;
  /** From 1; 0 where the compiler names no place. */
  line: number;
  column: number;
  /** The lines around the fault, numbered, with a mark under it. */
  excerpt: string[];
}

/** Lines shown before the one at fault. */
const context = 2;

/** The errors in a text; none when it compiles. */
export async function findFaults(device: Device, code: string): Promise<WgslFault[]> {
  const { gpu } = device;
  gpu.pushErrorScope('validation');
  const module = gpu.createShaderModule({ code });
  const failed = gpu.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  const scope = await failed;
  const faults = messages
    .filter(({ type }) => type === 'error')
    .map(({ message, lineNum, linePos, length }) => ({
      message: message.split('\n')[0],
      line: lineNum,
      column: linePos,
      excerpt: excerpt(code, lineNum, linePos, length),
    }));
  if (faults.length > 0 || !scope) return faults;
  return [{ message: scope.message.split('\n')[0], line: 0, column: 0, excerpt: [] }];
}

/** The line (from 1) with those before it; `length` characters from `column` (from 1) are marked. */
export function excerpt(code: string, line: number, column: number, length: number): string[] {
  if (line < 1) return [];
  const lines = code.split('\n');
  const first = Math.max(1, line - context);
  const width = String(line).length;
  const shown = lines
    .slice(first - 1, line)
    .map((text, i) => `${String(first + i).padStart(width)} | ${text}`.trimEnd());
  const room = (lines[line - 1]?.length ?? 0) - column + 1;
  const mark = '^'.repeat(Math.max(1, Math.min(length, room)));
  return [...shown, `${' '.repeat(width)} | ${' '.repeat(Math.max(0, column - 1))}${mark}`];
}
