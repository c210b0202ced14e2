/** What `cloze bench kernels --peers` tells, as text and as Markdown: a line for us, and one for each peer. */
import { columns, digits, type KernelReport, type KernelRow, preface, rangeText } from '../report.ts';

export const peersHead = [
  'operation',
  'shape',
  'library',
  'ms',
  '(min to max)',
  'times ours',
  '(min to max)',
  'of ceiling',
  'error',
  'note',
];

/** A row as lines of cells under {@link peersHead}. */
export function peersCells(row: KernelRow): string[][] {
  const range = (spread: [number, number] | null) => (spread ? `(${rangeText(spread)})` : '');
  const error = (value: number | null) => value?.toExponential(0) ?? '';
  const ours = [
    row.kernel,
    row.shape,
    'cloze',
    digits(row.ms),
    range(row.spread),
    '',
    '',
    `${(100 * row.ceilingShare).toFixed(0)} %`,
    error(row.relError),
    '',
  ];
  const theirs = Object.entries(row.peers).map(([name, peer]) => [
    '',
    '',
    name,
    peer.ms === null ? '' : digits(peer.ms),
    range(peer.spread),
    peer.ratio === null ? '' : `${digits(peer.ratio)}x`,
    range(peer.ratioSpread),
    '',
    error(peer.relError),
    peer.note ?? '',
  ]);
  return [ours, ...theirs];
}

const widths = [22, 14, 15, 6, 16, 10, 16, 10, 6];

/** Cells as lines, of the same widths every time, so that rows can be told as they are measured. */
export function peersLines(lines: readonly (readonly string[])[]): string[] {
  const numbers = columns(
    lines.map((line) => line.slice(0, widths.length)),
    3,
    widths,
  );
  const note = widths.reduce((sum, width) => sum + width + 2, 0);
  return numbers.map((text, i) => `${text.padEnd(note)}${lines[i][widths.length]}`.trimEnd());
}

export function peersMarkdown(report: KernelReport): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    ...preface(report).map((text) => `- ${text}`),
    '',
    line(peersHead),
    line(peersHead.map((_, i) => (i < 3 || i === peersHead.length - 1 ? '---' : '---:'))),
    ...report.rows.flatMap(peersCells).map(line),
  ];
}
