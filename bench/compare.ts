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
}

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
  };
}

export function comparisonText({ differences, alike, unmatched }: Comparison): string[] {
  const lines = differences.map(({ kernel, shape, variant, before, after, ratio }) => [
    kernel,
    shape,
    variant,
    `${digits(before)} ms`,
    `-> ${digits(after)} ms`,
    ratio > 1 ? `${ratio.toFixed(2)}x faster` : `${(1 / ratio).toFixed(2)}x slower`,
  ]);
  const rest = [`${alike} alike within their samples`, `${unmatched} in one report alone`];
  return [...columns(lines, 3), rest.join(', ')];
}

/** Reads a saved report. `path` is what errors name. Throws `format` when it is none. */
export function parseReport(text: string, path: string): KernelReport {
  try {
    const report = JSON.parse(text) as KernelReport;
    const complete = report.rows.every(({ kernel, ms, spread }) => kernel && ms > 0 && spread.length === 2);
    if (complete) return report;
  } catch {
    // Told below.
  }
  throw new ClozeError('format', `${path} is no report of cloze bench kernels`, 'Write one with --save');
}
