import { describe, expect, test } from 'vitest';
import { attentionSvg, attributionSvg } from '../../../src/mlm/explain/pictures.ts';

/** Names of the elements that are opened and not closed, or closed and not opened. */
function unbalanced(svg: string): string[] {
  const open: string[] = [];
  for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (close) {
      if (open.pop() !== name) return [name];
    } else if (!self) open.push(name);
  }
  return open;
}

describe('pictures', () => {
  test('of attribution have a mark for each token, the stronger the deeper, and survive any text', () => {
    const svg = attributionSvg('<answer>', ['[CLS]', 'a&b', '"c"', '<d>'], [0, 0.5, -1, 0.25]);
    expect(unbalanced(svg)).toEqual([]);
    expect([...svg.matchAll(/fill-opacity="([\d.]+)"/g)].map(([, value]) => Number(value))).toEqual([
      0, 0.5, 1, 0.25,
    ]);
    expect(svg.match(/fill="#c2410c"/g)).toHaveLength(1);
    expect(svg).toContain('<title>&lt;d&gt;: 0.2500</title>');
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  test('of attribution where nothing matters are blank', () => {
    expect(attributionSvg('x', ['a'], [0])).not.toMatch(/NaN/);
  });

  test('of attention have a cell for each two tokens of each head', () => {
    const map = [0.9, 0.1, 0.4, 0.6];
    const panels = Array.from({ length: 5 }, (_, i) => ({ name: `head ${i + 1}`, map }));
    const svg = attentionSvg('Attention', ['a', '<b>'], panels);
    expect(unbalanced(svg)).toEqual([]);
    expect(svg.match(/fill-opacity/g)).toHaveLength(5 * 4);
    expect(svg).toContain('<title>&lt;b&gt; → a: 0.400</title>');
    for (const { name } of panels) expect(svg).toContain(name);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
