/** Two reports of the same benchmarks: what became faster and what slower, told only where the samples separate. */
import { ClozeError } from '../src/gpu/index.ts';
import { columns, digits, type KernelReport, type KernelRow } from './report.ts';

export interface Difference {
  kernel: string;
  shape: string;
  variant: string;
  before: number;
  after: number;
  /** Before over after: above 1 it became faster. */
  ratio: number;
}

export interface Comparison {
  differences: Difference[];
  /** Rows whose samples overlap: no difference can be told. */
  alike: number;
  /** Rows that only one of the two reports has. */
  unmatched: number;
  /** How many times as fast the machine itself was, by the multiply-adds and the copies that it reached. */
  machine: { gflops: number; gbps: number };
}

/** Beyond this the machine, or what else it had to do, has changed too. */
const alikeMachines = 1.2;

const keyOf = ({ kernel, shape, dtype, variant }: KernelRow) => [kernel, shape, dtype, variant].join();

/** Samples separate when the slowest of one side is faster than the fastest of the other. */
export function compareReports(before: KernelReport, after: KernelReport): Comparison {
  const old = new Map(before.rows.map((row) => [keyOf(row), row]));
  const pairs = after.rows.flatMap((row) => {
    const was = old.get(keyOf(row));
    return was ? [{ was, row }] : [];
  });
  const separate = pairs.filter(
    ({ was, row }) => was.spread[1] < row.spread[0] || row.spread[1] < was.spread[0],
  );
  return {
    differences: separate.map(({ was, row: { kernel, shape, variant, ms } }) => ({
      kernel,
      shape,
      variant,
      before: was.ms,
      after: ms,
      ratio: was.ms / ms,
    })),
    alike: pairs.length - separate.length,
    unmatched: before.rows.length + after.rows.length - 2 * pairs.length,
    machine: {
      gflops: after.ceiling.gflops / before.ceiling.gflops,
      gbps: after.ceiling.gbps / before.ceiling.gbps,
    },
  };
}

export function comparisonText({ differences, alike, unmatched, machine }: Comparison): string[] {
  const lines = differences.map(({ kernel, shape, variant, before, after, ratio }) => [
    kernel,
    shape,
    variant,
    `${digits(before)} ms`,
    `-> ${digits(after)} ms`,
    ratio > 1 ? `${ratio.toFixed(2)}x faster` : `${(1 / ratio).toFixed(2)}x slower`,
  ]);
  const rest = [`${alike} alike within their samples`, `${unmatched} in one report alone`];
  const factors = [machine.gflops, machine.gbps];
  const changed = factors.some((factor) => Math.max(factor, 1 / factor) > alikeMachines);
  const [gflops, gbps] = factors.map((factor) => `${factor.toFixed(2)}x`);
  const warning = `The machine changed too: multiply-adds ran at ${gflops}, copies at ${gbps} of their speed before`;
  return [...columns(lines, 3), rest.join(', '), ...(changed ? [warning] : [])];
}

/** Reads a saved report. `path` is what errors name. Throws `format` when it is none. */
export function parseReport(text: string, path: string): KernelReport {
  try {
    const report = JSON.parse(text) as KernelReport;
    const complete = report.rows.every(({ kernel, ms, spread }) => kernel && ms > 0 && spread.length === 2);
    if (complete && report.ceiling.gflops > 0) return report;
  } catch {
    // Told below.
  }
  throw new ClozeError('format', `${path} is no report of cloze bench kernels`, 'Write one with --save');
}
