/** A roofline as an SVG picture that stands by itself: no script, no style sheet, no font of its own. */
import { lineColors as colors, fixed, svgFile, svgText as text } from '../src/mlm/charts/svg.ts';
import { digits } from './report.ts';
import { along, frameOf, intensityText, plotted, type Roofline, roofAt, ticks } from './roofline.ts';

const plot = { left: 80, top: 60, width: 620, height: 440 };
const legendLeft = plot.left + plot.width + 30;
const lineHeight = 17;

export function rooflineSvg(model: Roofline): string {
  const frame = frameOf(model);
  const { left, top, width, height } = plot;
  const x = (intensity: number) => left + along(frame.intensity, intensity) * width;
  const y = (gflops: number) => top + (1 - along(frame.gflops, gflops)) * height;
  const bottom = top + height;
  const right = left + width;

  const grid = [
    ...ticks(frame.intensity, 2).map(
      (value) =>
        `<line x1="${fixed(x(value))}" y1="${top}" x2="${fixed(x(value))}" y2="${bottom}"/>` +
        `<text x="${fixed(x(value))}" y="${bottom + 18}" text-anchor="middle">${intensityText(value)}</text>`,
    ),
    ...ticks(frame.gflops, 10).map(
      (value) =>
        `<line x1="${left}" y1="${fixed(y(value))}" x2="${right}" y2="${fixed(y(value))}"/>` +
        `<text x="${left - 8}" y="${fixed(y(value) + 4)}" text-anchor="end">${Number(value.toPrecision(1))}</text>`,
    ),
  ];

  const { ceiling, ridge } = model;
  // The slope begins at the left edge, or where it rises from the lower one.
  const start = Math.max(frame.intensity[0], frame.gflops[0] / ceiling.gbps);
  const roof = [start, ridge, frame.intensity[1]]
    .map((intensity) => `${fixed(x(intensity))},${fixed(y(roofAt(ceiling, intensity)))}`)
    .join(' ');

  const kernels = [...new Set(model.points.map(({ kernel }) => kernel))];
  const colorOf = (kernel: string) => colors[kernels.indexOf(kernel) % colors.length];
  const dots = plotted(model).map(({ mark, kernel, shape, variant, intensity, gflops, share }) => {
    const told = `${kernel} ${shape}, ${variant}: ${digits(gflops)} GFLOP/s, ${(100 * share).toFixed(0)} % of the roof`;
    const [cx, cy] = [fixed(x(intensity)), fixed(y(gflops))];
    return (
      `<g><title>${text(told)}</title><circle cx="${cx}" cy="${cy}" r="8" fill="${colorOf(kernel)}"/>` +
      `<text x="${cx}" y="${fixed(y(gflops) + 4)}" text-anchor="middle" fill="white">${mark}</text></g>`
    );
  });

  const legend = model.points.map(({ mark, kernel, shape, share }, i) => {
    const line = `${mark || '–'}  ${kernel} ${shape}  ${(100 * share).toFixed(0)} %`;
    return `<text x="${legendLeft}" y="${top + 10 + i * lineHeight}" fill="${colorOf(kernel)}">${text(line)}</text>`;
  });
  const size = {
    width: legendLeft + 300,
    height: Math.max(bottom + 60, top + 30 + legend.length * lineHeight),
  };
  const roofText = `${digits(ceiling.gflops)} GFLOP/s, ${digits(ceiling.gbps)} GB/s`;

  return svgFile(size, `Roofline of ${model.adapter}`, [
    `<text x="${left}" y="30" font-size="16">${text(model.adapter)}</text>`,
    '<g stroke="#e2e8f0" fill="#4a5568" stroke-width="1">',
    ...grid.map((line) => line.replaceAll('<text', '<text stroke="none"')),
    '</g>',
    `<polyline points="${roof}" fill="none" stroke="black" stroke-width="2"/>`,
    `<text x="${right}" y="${fixed(y(ceiling.gflops) - 8)}" text-anchor="end">${roofText}</text>`,
    `<text x="${left + width / 2}" y="${bottom + 42}" text-anchor="middle">FLOP for each byte moved</text>`,
    `<text transform="translate(24 ${top + height / 2}) rotate(-90)" text-anchor="middle">GFLOP/s</text>`,
    ...dots,
    `<text x="${legendLeft}" y="30">share of the roof</text>`,
    ...legend,
  ]);
}
