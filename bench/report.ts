/** What a run of `cloze bench kernels` tells: as data, as text and as Markdown. */
import type { Summary } from './sampling.ts';

export interface PeerResult {
  /** Median of one call, and the smallest and the largest; null if the peer could not be timed. */
  ms: number | null;
  spread: [min: number, max: number] | null;
  /** The peer's time over ours: above 1 we are faster. Its spread goes sample by sample. */
  ratio: number | null;
  ratioSpread: [min: number, max: number] | null;
  relError: number | null;
  /** Why there is no time, or why not to believe it. */
  note?: string;
}

export interface KernelRow {
  kernel: string;
  shape: string;
  dtype: 'f32' | 'f16';
  variant: string;
  /** Whether this is the variant that the kernel uses here by itself. */
  chosen: boolean;
  /** Median by the clock on the wall, of one call; `spread` is the smallest and the largest. */
  ms: number;
  spread: [min: number, max: number];
  /** Billions of operations a second, and of bytes that have to be moved at least once. */
  gflops: number;
  gbps: number;
  /** The larger of the two as shares of what the adapter can do. */
  ceilingShare: number;
  /** Largest deviation from float64, relative to the largest number of the output; null if it could not be checked. */
  relError: number | null;
  peers: Record<string, PeerResult>;
  /** Median by the GPU's own clock; null where it has none. */
  gpuMs: number | null;
  /** Until the pipeline was there, and how much longer the first call took than later ones. */
  compileMs: number;
  warmUpMs: number;
  /** The shape at which `relError` was found: smaller than `shape` where float64 would take long. */
  checkedShape: string;
}

export interface Control {
  kernel: string;
  shape: string;
  /** One thing's time over its own, measured as two. */
  ratio: number;
  spread: [min: number, max: number];
}

export interface KernelReport {
  adapter: string;
  ceiling: { gflops: number; gbps: number };
  control: Control;
  rows: KernelRow[];
}

/** Three digits that count, without an exponent. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

export const rangeText = ([min, max]: readonly [number, number]) => `${digits(min)} to ${digits(max)}`;

export const factorText = ({ median, spread }: Summary) =>
  `${median.toFixed(2)}x (${spread.map((x) => x.toFixed(2)).join(' to ')})`;

/** Lines of cells as columns at least as wide as `least`, the first `left` of them aligned to the left. */
export function columns(
  lines: readonly (readonly string[])[],
  left: number,
  least: readonly number[] = [],
): string[] {
  const widths = (lines[0] ?? []).map((_, i) =>
    Math.max(least[i] ?? 0, ...lines.map((line) => line[i].length)),
  );
  return lines.map((line) =>
    line
      .map((cell, i) => (i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd(),
  );
}

export const kernelHead = [
  'kernel',
  'shape',
  'variant',
  'ms',
  '(min to max)',
  'GPU ms',
  'GFLOP/s',
  'GB/s',
  'of ceiling',
  'error',
  'compile + warm-up ms',
];

/** A row as cells under {@link kernelHead}. The chosen variant bears a star. */
export function kernelCells(row: KernelRow): string[] {
  const smaller = row.checkedShape === row.shape ? '' : ` at ${row.checkedShape}`;
  return [
    row.kernel,
    row.shape,
    `${row.variant}${row.chosen ? ' *' : ''}`,
    digits(row.ms),
    `(${rangeText(row.spread)})`,
    row.gpuMs === null ? '' : digits(row.gpuMs),
    row.gflops === 0 ? '' : digits(row.gflops),
    digits(row.gbps),
    `${(100 * row.ceilingShare).toFixed(0)} %`,
    row.relError === null ? 'not checked' : `${row.relError.toExponential(0)}${smaller}`,
    `${row.compileMs.toFixed(0)} + ${row.warmUpMs.toFixed(0)}`,
  ];
}

/** What stands above the rows. */
export function preface({ adapter, ceiling, control }: Omit<KernelReport, 'rows'>): string[] {
  const { spread, ratio } = control;
  const sound = spread[0] <= 1 && spread[1] >= 1;
  return [
    adapter,
    `ceiling  ${digits(ceiling.gflops)} GFLOP/s in multiply-adds, ${digits(ceiling.gbps)} GB/s in copies (read + written)`,
    `control  ${control.kernel} ${control.shape} against itself: ${factorText({ median: ratio, spread })}${
      sound ? '' : '; the machine is too uneven to believe what follows'
    }`,
  ];
}

/** Cells as lines, of the same widths every time, so that rows can be told as they are measured. */
export function kernelLines(lines: readonly (readonly string[])[]): string[] {
  return columns(lines, 3, [20, 14, 14, 6, 16, 6, 7, 5, 10, 24, 20]);
}

export function kernelMarkdown(report: KernelReport): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    ...preface(report).map((text) => `- ${text}`),
    '',
    line(kernelHead),
    line(kernelHead.map((_, i) => (i < 3 ? '---' : '---:'))),
    ...report.rows.map((row) => line(kernelCells(row))),
  ];
}
