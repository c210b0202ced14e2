/** What explains an answer, as pictures: tokens in the colour of what they did, and maps of attention. */
import { fixed, svgFile, svgText } from '../charts/svg.ts';

const margin = 20;
const charWidth = 7.5;
const lineHeight = 26;
const textWidth = 720;

/** Tokens as a text, blue where they speak for the answer, orange where they speak against it, the stronger the deeper. */
export function attributionSvg(title: string, tokens: readonly string[], scores: ArrayLike<number>): string {
  const strongest = Array.from(scores).reduce((most, score) => Math.max(most, Math.abs(score)), 0) || 1;
  let [x, y] = [margin, 60];
  const words = tokens.map((token, i) => {
    const width = charWidth * token.length + 8;
    if (x + width > margin + textWidth && x > margin) [x, y] = [margin, y + lineHeight];
    const color = scores[i] >= 0 ? '#4269d0' : '#c2410c';
    const strength = (Math.abs(scores[i]) / strongest).toFixed(3);
    const word =
      `<g><title>${svgText(token)}: ${scores[i].toFixed(4)}</title>` +
      `<rect x="${fixed(x)}" y="${y - 16}" width="${fixed(width)}" height="22" rx="3" fill="${color}" fill-opacity="${strength}"/>` +
      `<text x="${fixed(x + 4)}" y="${y}" fill="${Number(strength) > 0.6 ? 'white' : 'black'}" font-family="monospace">${svgText(token)}</text></g>`;
    x += width + 3;
    return word;
  });
  const heading = `<text x="${margin}" y="28" font-size="14">${svgText(title)}</text>`;
  return svgFile({ width: textWidth + 2 * margin, height: y + margin }, title, [heading, ...words]);
}

export interface MapPanel {
  name: string;
  /** [T, T] */
  map: ArrayLike<number>;
}

const cell = 16;

/** Maps of attention side by side, four a row: the row's token looks at the column's, the more the darker. */
export function attentionSvg(title: string, tokens: readonly string[], panels: readonly MapPanel[]): string {
  const T = tokens.length;
  const label = charWidth * tokens.reduce((most, token) => Math.max(most, token.length), 1) + 10;
  const panelWidth = label + T * cell + margin;
  const panelHeight = label + T * cell + 2 * margin;
  const columns = Math.min(4, panels.length);
  const body = panels.map(({ name, map }, i) => {
    const left = margin + (i % columns) * panelWidth + label;
    const top = 40 + Math.floor(i / columns) * panelHeight + label + margin;
    const names = tokens.flatMap((token, t) => {
      const middle = t * cell + cell / 2 + 4;
      return [
        `<text x="${fixed(left - 5)}" y="${fixed(top + middle)}" text-anchor="end">${svgText(token)}</text>`,
        `<text transform="translate(${fixed(left + middle)} ${fixed(top - 5)}) rotate(-90)">${svgText(token)}</text>`,
      ];
    });
    const cells = Array.from({ length: T * T }, (_, at) => {
      const [row, column] = [Math.floor(at / T), at % T];
      return (
        `<rect x="${fixed(left + column * cell)}" y="${fixed(top + row * cell)}" width="${cell}" height="${cell}" fill="#4269d0" fill-opacity="${map[at].toFixed(3)}">` +
        `<title>${svgText(tokens[row])} → ${svgText(tokens[column])}: ${map[at].toFixed(3)}</title></rect>`
      );
    });
    const frame = `<rect x="${fixed(left)}" y="${fixed(top)}" width="${T * cell}" height="${T * cell}" fill="none" stroke="#a0aec0"/>`;
    const heading = `<text x="${fixed(left)}" y="${fixed(top - label - 4)}" font-size="13">${svgText(name)}</text>`;
    return [heading, ...names, ...cells, frame].join('\n');
  });
  const size = {
    width: columns * panelWidth + 2 * margin,
    height: 40 + Math.ceil(panels.length / columns) * panelHeight + margin,
  };
  return svgFile(size, title, [
    `<text x="${margin}" y="26" font-size="15">${svgText(title)}</text>`,
    ...body,
  ]);
}
