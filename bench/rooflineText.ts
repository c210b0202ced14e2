/** A roofline in plain text, for a terminal of 80 columns. */
import { columns, digits } from './report.ts';
import { along, frameOf, intensityText, plotted, type Roofline, roofAt, ticks } from './roofline.ts';

const width = 68;
const height = 18;
const labelWidth = 9;

/** Where several points share a place, the plot shows this instead of their letters. */
const several = '*';

export function rooflineText(model: Roofline): string[] {
  const { adapter, ceiling } = model;
  return [
    adapter,
    `roof  ${digits(ceiling.gflops)} GFLOP/s in multiply-adds, ${digits(ceiling.gbps)} GB/s in copies (read + written);`,
    `      arithmetic is the limit from ${digits(model.ridge)} FLOP/byte on`,
    '',
    'GFLOP/s',
    ...plot(model),
    '',
    ...legend(model),
  ];
}

function plot(model: Roofline): string[] {
  const frame = frameOf(model);
  const cells = Array.from({ length: height }, () => Array<string>(width).fill(' '));
  const columnOf = (intensity: number) => Math.round(along(frame.intensity, intensity) * (width - 1));
  const rowOf = (gflops: number) => height - 1 - Math.round(along(frame.gflops, gflops) * (height - 1));

  const [low, high] = frame.intensity;
  for (let x = 0; x < width; x++) {
    const intensity = low * (high / low) ** (x / (width - 1));
    const row = rowOf(roofAt(model.ceiling, intensity));
    if (row < height) cells[row][x] = intensity < model.ridge ? '/' : '-';
  }
  const taken = new Set<string>();
  for (const { mark, intensity, gflops } of plotted(model)) {
    const [x, y] = [columnOf(intensity), rowOf(gflops)];
    cells[y][x] = taken.has(`${x} ${y}`) ? several : mark;
    taken.add(`${x} ${y}`);
  }

  const labels = new Map(ticks(frame.gflops, 10).map((value) => [rowOf(value), value]));
  const lines = cells.map((line, y) => {
    const value = labels.get(y);
    const label = value === undefined ? '' : String(Number(value.toPrecision(1)));
    return `${label.padStart(labelWidth)} ${value === undefined ? '|' : '+'}${line.join('')}`.trimEnd();
  });
  return [...lines, ...axis(frame.intensity, columnOf)];
}

/** The axis of intensities with the powers of two that there is room for. */
function axis(range: [number, number], columnOf: (intensity: number) => number): string[] {
  const rule = Array<string>(width).fill('-');
  const names = Array<string>(width + 8).fill(' ');
  let free = 0;
  for (const value of ticks(range, 2)) {
    const [at, name] = [columnOf(value), intensityText(value)];
    if (at < free || at + name.length > width) continue;
    rule[at] = '+';
    for (let i = 0; i < name.length; i++) names[at + i] = name[i];
    free = at + name.length + 2;
  }
  const indent = ' '.repeat(labelWidth + 1);
  return [
    `${indent}+${rule.join('')}`,
    `${indent} ${names.join('')}`.trimEnd(),
    `${indent} FLOP for each byte moved`,
  ];
}

function legend({ points }: Roofline): string[] {
  const cells = points.map(({ mark, kernel, shape, intensity, gflops, gbps, share }) => [
    mark,
    kernel,
    shape,
    intensity > 0 ? digits(intensity) : 'moves',
    intensity > 0 ? digits(gflops) : '',
    digits(gbps),
    `${(100 * share).toFixed(0)} %`,
  ]);
  return columns([['', 'kernel', 'shape', 'FLOP/byte', 'GFLOP/s', 'GB/s', 'of roof'], ...cells], 3);
}
