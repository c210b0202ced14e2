/** Memory of activations against tokens in a row, as an SVG picture that stands by itself. Both axes are linear and begin at 0. */
import type { ActivationCost, MemoryReport, MemoryRow } from './memory.ts';

const plot = { left: 80, top: 50, width: 560, height: 360 };
const bottom = plot.top + plot.height;
const right = plot.left + plot.width;

const series: readonly [name: string, color: string, cost: (row: MemoryRow) => ActivationCost][] = [
  ['all activations kept', '#4269d0', ({ kept }) => kept],
  ['insides of layers recomputed', '#c2410c', ({ recomputed }) => recomputed],
];

/** The smallest of 1, 2, 5, 10, … of which no more than five fit into `most`. */
function tickStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 5));
  return power * ([1, 2, 5].find((factor) => 5 * factor * power >= most) ?? 10);
}

export function memorySvg({ adapter, model, batch, rows }: MemoryReport): string {
  const mebi = (bytes: number) => bytes / 2 ** 20;
  const most = Math.max(
    ...rows.flatMap((row) => series.map(([, , cost]) => mebi(cost(row).activationBytes))),
  );
  const step = tickStep(most);
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, i) =>
    Number((i * step).toPrecision(3)),
  );
  const longest = Math.max(...rows.map(({ seqLen }) => seqLen));
  const x = (tokens: number) => (plot.left + (plot.width * tokens) / longest).toFixed(1);
  const y = (mebibytes: number) => (bottom - (plot.height * mebibytes) / most).toFixed(1);

  const grid = [
    ...rows.map(
      ({ seqLen }) => `<text x="${x(seqLen)}" y="${bottom + 18}" text-anchor="middle">${seqLen}</text>`,
    ),
    ...ticks.map(
      (tick) =>
        `<line x1="${plot.left}" y1="${y(tick)}" x2="${right}" y2="${y(tick)}" stroke="#e2e8f0"/>` +
        `<text x="${plot.left - 8}" y="${Number(y(tick)) + 4}" text-anchor="end">${tick}</text>`,
    ),
  ];
  const lines = series.map(([name, color, cost], i) => {
    const places = rows.map((row) => [x(row.seqLen), y(mebi(cost(row).activationBytes))]);
    const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="4"/>`).join('');
    return (
      `<g fill="${color}">${dots}<polyline points="${places.map(String).join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>` +
      `<text x="${plot.left + 16}" y="${plot.top + 16 + 18 * i}">${name}</text></g>`
    );
  });
  const title = `Activations of a step of ${model}, ${batch} ${batch === 1 ? 'row' : 'rows'}, on ${adapter.replace(/[&<>]/g, '')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${right + 40}" height="${bottom + 60}" viewBox="0 0 ${right + 40} ${bottom + 60}" font-family="sans-serif" font-size="12">
<title>${title}</title>
<rect width="100%" height="100%" fill="white"/>
<text x="${plot.left}" y="28" font-size="14">${title}</text>
<g fill="#4a5568">
${grid.join('\n')}
<text x="${plot.left + plot.width / 2}" y="${bottom + 42}" text-anchor="middle">tokens in a row</text>
<text transform="translate(24 ${plot.top + plot.height / 2}) rotate(-90)" text-anchor="middle">MiB</text>
</g>
${lines.join('\n')}
</svg>
`;
}
