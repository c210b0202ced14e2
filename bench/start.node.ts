/** `cloze bench start`: how long a process takes to its first loss, with the driver's cache of kernels off and full. */
import { coldAndWarm } from './driverCache.node.ts';
import { columns, digits } from './report.ts';
import type { StartRequest, StartTimes } from './startProcess.node.ts';

export interface StartReport {
  adapter: string;
  cold: Omit<StartTimes, 'adapter'>;
  warm: Omit<StartTimes, 'adapter'>;
}

export async function measureStart(request: StartRequest): Promise<StartReport> {
  const { cold, warm } = await coldAndWarm<StartTimes>('startProcess.node', request);
  const { adapter, ...times } = cold;
  const { adapter: _, ...warmTimes } = warm;
  return { adapter, cold: times, warm: warmTimes };
}

export function startText({ adapter, cold, warm }: StartReport): string[] {
  const stages: [string, keyof typeof cold][] = [
    ['modules loaded', 'modules'],
    ['device opened', 'device'],
    ['model in memory', 'model'],
    ['first loss', 'firstLoss'],
  ];
  return [
    adapter,
    '',
    ...columns(
      [
        ['ms from the start of the process', 'cold', 'warm'],
        ...stages.map(([label, name]) => [label, digits(cold[name]), digits(warm[name])]),
      ],
      1,
    ),
  ];
}
