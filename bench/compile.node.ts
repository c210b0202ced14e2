/** `cloze bench compile`: what compiling costs a process when the driver's cache on disk is off, and when it is full. */
import type { CompileTime } from './compile.ts';
import type { CompileAnswer, CompileRequest } from './compileProcess.node.ts';
import { coldAndWarm } from './driverCache.node.ts';
import { columns, digits } from './report.ts';

type Times = Pick<CompileTime, 'pipeline' | 'firstCall'>;

export interface CompileRow extends Pick<CompileTime, 'kernel' | 'variant'> {
  cold: Times;
  warm: Times;
}

export interface CompileReport {
  adapter: string;
  rows: CompileRow[];
}

/** Throws `gpu` with what went wrong in one of the processes. */
export async function compareCompile(request: CompileRequest): Promise<CompileReport> {
  const { cold, warm } = await coldAndWarm<CompileAnswer>('compileProcess.node', request);
  const times = ({ pipeline, firstCall }: CompileTime): Times => ({ pipeline, firstCall });
  const rows = cold.times.map((time, i) => {
    const { kernel, variant } = time;
    return { kernel, variant, cold: times(time), warm: times(warm.times[i]) };
  });
  return { adapter: cold.adapter, rows };
}

export function compileText({ adapter, rows }: CompileReport): string[] {
  const total = (of: (row: CompileRow) => Times) =>
    rows.map(of).reduce((sum, { pipeline, firstCall }) => sum + pipeline + firstCall, 0);
  const text = ({ pipeline, firstCall }: Times) => `${digits(pipeline)} + ${digits(firstCall)}`;
  const all = [total(({ cold }) => cold), total(({ warm }) => warm)].map(digits);
  return [
    adapter,
    '',
    ...columns(
      [
        ['kernel', 'variant', 'cold ms', 'warm ms'],
        ...rows.map(({ kernel, variant, cold, warm }) => [kernel, variant, text(cold), text(warm)]),
        ['in all', `${rows.length} texts`, ...all],
      ],
      2,
    ),
  ];
}
