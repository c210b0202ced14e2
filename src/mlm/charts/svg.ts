/** What pictures share that stand by themselves: no script, no style sheet, no font of their own. */

const escaped: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Text as it may stand in a picture. */
export const svgText = (raw: string) => raw.replace(/[&<>"]/g, (letter) => escaped[letter]);

/** The file of a picture. `body` is made of elements. */
export function svgFile(
  size: { width: number; height: number },
  title: string,
  body: readonly string[],
): string {
  const [width, height] = [Math.ceil(size.width), Math.ceil(size.height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>${svgText(title)}</title>
<rect width="100%" height="100%" fill="white"/>
${body.join('\n')}
</svg>
`;
}

/** A number with one digit behind the point, as coordinates have it. */
export const fixed = (value: number) => value.toFixed(1);

/** Colours of lines, to be told apart. */
export const lineColors = ['#4269d0', '#c2410c', '#2f855a', '#a463f2', '#9c6b4e', '#b83280', '#4a5568'];
