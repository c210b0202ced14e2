/** Numbers against numbers, as lines or as dots: a picture that stands by itself. */
import { fixed, lineColors, svgFile, svgText } from './svg.ts';

export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
  /** What is told of each point when it is pointed at. */
  notes?: readonly string[];
  /** Whether the points are joined, in their order. Default true. */
  joined?: boolean;
}

export interface Chart {
  title: string;
  x: string;
  y: string;
  series: readonly Series[];
  /** Where the horizontal axis is marked; default: at round numbers, powers of ten on a logarithmic one. */
  xTicks?: readonly number[];
  /** Whether the horizontal axis is logarithmic. Default false. */
  logX?: boolean;
  /** Where the vertical axis begins; default 0. `data`: a little below the least value. */
  yFrom?: 'zero' | 'data';
}

const plot = { left: 80, top: 50, width: 560, height: 360 };
const bottom = plot.top + plot.height;
const right = plot.left + plot.width;
const legendWidth = 220;

export function lineChartSvg(chart: Chart): string {
  const { title, series, logX = false, yFrom = 'zero' } = chart;
  const all = series.flatMap(({ points }) => points).filter((point) => point.every(Number.isFinite));
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const horizontal = logX ? logRange(xs) : ([Math.min(0, ...xs), Math.max(...xs, 0) || 1] as const);
  const lowest = Math.min(...ys);
  const spread = Math.max(...ys) - lowest || Math.abs(lowest) || 1;
  const vertical =
    yFrom === 'zero'
      ? ([Math.min(0, lowest), Math.max(...ys, 0) || 1] as const)
      : ([lowest - spread / 10, Math.max(...ys) + spread / 10] as const);

  const share = ([from, to]: readonly [number, number], value: number) => (value - from) / (to - from);
  const scale = (value: number) => (logX ? Math.log10(value) : value);
  const x = (value: number) => fixed(plot.left + plot.width * share(horizontal, scale(value)));
  const y = (value: number) => fixed(bottom - plot.height * share(vertical, value));

  const xTicks = chart.xTicks ?? (logX ? powers(horizontal) : roundTicks(horizontal));
  const grid = [
    ...xTicks.map(
      (tick) => `<text x="${x(tick)}" y="${bottom + 18}" text-anchor="middle">${numberText(tick)}</text>`,
    ),
    ...roundTicks(vertical).map(
      (tick) =>
        `<line x1="${plot.left}" y1="${y(tick)}" x2="${right}" y2="${y(tick)}" stroke="#e2e8f0"/>` +
        `<text x="${plot.left - 8}" y="${fixed(Number(y(tick)) + 4)}" text-anchor="end">${numberText(tick)}</text>`,
    ),
  ];
  const lines = series.map(({ name, points, notes = [], joined = true }, i) => {
    const color = lineColors[i % lineColors.length];
    const shown = points.flatMap((point, p) =>
      point.every(Number.isFinite) ? [{ at: [x(point[0]), y(point[1])], note: notes[p] }] : [],
    );
    const dots = shown.map(({ at: [cx, cy], note }) => {
      const told = note === undefined ? '' : `<title>${svgText(note)}</title>`;
      return `<circle cx="${cx}" cy="${cy}" r="4">${told}</circle>`;
    });
    const line = joined
      ? `<polyline points="${shown.map(({ at }) => at.join()).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`
      : '';
    const legend = `<text x="${right + 16}" y="${plot.top + 12 + 18 * i}">${svgText(name)}</text>`;
    return `<g fill="${color}">${dots.join('')}${line}${legend}</g>`;
  });
  return svgFile({ width: right + legendWidth, height: bottom + 60 }, title, [
    `<text x="${plot.left}" y="28" font-size="14">${svgText(title)}</text>`,
    `<g fill="#4a5568">`,
    ...grid,
    `<text x="${plot.left + plot.width / 2}" y="${bottom + 42}" text-anchor="middle">${svgText(chart.x)}</text>`,
    `<text transform="translate(24 ${plot.top + plot.height / 2}) rotate(-90)" text-anchor="middle">${svgText(chart.y)}</text>`,
    '</g>',
    ...lines,
  ]);
}

function logRange(values: readonly number[]): readonly [number, number] {
  const logs = values.map((value) => Math.log10(value));
  const [least, most] = [Math.min(...logs), Math.max(...logs)];
  const room = (most - least) / 20 || 0.5;
  return [least - room, most + room];
}

function powers([from, to]: readonly [number, number]): number[] {
  const exponents = Array.from(
    { length: Math.floor(to) - Math.ceil(from) + 1 },
    (_, i) => Math.ceil(from) + i,
  );
  if (exponents.length > 1) return exponents.map((exponent) => 10 ** exponent);
  return [from + (to - from) / 10, to - (to - from) / 10].map((exponent) =>
    Number((10 ** exponent).toPrecision(2)),
  );
}

/** The multiples of 1, 2, 5, 10, … in a range, of the smallest of which no more than five fit. */
function roundTicks([from, to]: readonly [number, number]): number[] {
  const power = 10 ** Math.floor(Math.log10((to - from) / 5));
  const step = power * ([1, 2, 5].find((factor) => 5 * factor * power >= to - from) ?? 10);
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.floor(to / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function numberText(exact: number): string {
  const value = Number(exact.toPrecision(6));
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential() : String(value);
}
