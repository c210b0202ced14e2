import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { KernelReport, KernelRow } from '../../bench/report.ts';
import { along, frameOf, roofAt, roofline, ticks } from '../../bench/roofline.ts';
import { rooflineSvg } from '../../bench/rooflineSvg.ts';
import { rooflineText } from '../../bench/rooflineText.ts';
import { cloze } from '../cli/terminal.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-roofline-'));
afterAll(() => rmSync(folder, { recursive: true }));

const row = (kernel: string, gflops: number, gbps: number): KernelRow => ({
  kernel,
  shape: '1024x768',
  dtype: 'f32',
  variant: 'naive',
  chosen: true,
  ms: 1,
  spread: [1, 1],
  gflops,
  gbps,
  ceilingShare: 0.5,
  relError: 0,
  peers: {},
  gpuMs: null,
  compileMs: 1,
  warmUpMs: 1,
  checkedShape: '1024x768',
});

const report: KernelReport = {
  adapter: 'abacus <wood> & wire',
  ceiling: { gflops: 64, gbps: 8 },
  control: { kernel: 'copy', shape: '1', ratio: 1, spread: [1, 1] },
  rows: [row('matmul', 32, 1), row('layerNormBackward', 2, 4), row('copy', 0, 6), row('twin', 2, 4)],
};
const model = roofline(report);

describe('a roofline', () => {
  test('tells what each kernel reaches of what its intensity allows', () => {
    expect(model.ridge).toBe(8);
    expect(model.points.map(({ mark, intensity, share }) => [mark, intensity, share])).toEqual([
      ['a', 32, 0.5], // arithmetic is the limit: 32 of 64
      ['b', 0.5, 0.5], // memory is: 2 of 0.5 x 8
      ['', 0, 0.75], // moves alone: 6 of 8
      ['c', 0.5, 0.5],
    ]);
    expect([1, 8, 100].map((intensity) => roofAt(report.ceiling, intensity))).toEqual([8, 64, 64]);
  });

  test('has axes that hold the ridge and every point', () => {
    const { intensity, gflops } = frameOf(model);
    for (const value of [0.5, 8, 32]) expect(along(intensity, value)).toBeGreaterThan(0);
    for (const value of [2, 32, 64]) expect(along(gflops, value)).toBeLessThan(1);
    expect(ticks([1, 1000], 10)).toEqual([1, 10, 100, 1000]);
    expect(along([1, 100], 10)).toBeCloseTo(0.5, 12);
  });
});

describe('in a terminal', () => {
  const lines = rooflineText(model);

  test('fits into 80 columns', () => {
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test('slopes up to the ridge and is level from there on, with the points below', () => {
    const plot = lines.filter((line) => /^[ \d.]{10}[|+]/.test(line)).slice(0, 18);
    expect(plot).toHaveLength(18);
    const level = plot.findIndex((line) => line.includes('---'));
    expect(plot[level]).toMatch(/^[ \d.]+[|+] *\/*-+$/);
    expect(plot.filter((line) => line.includes('/')).length).toBeGreaterThan(5);
    const [product, pair] = ['a', '*'].map((mark) => plot.findIndex((line) => line.includes(mark)));
    expect(product).toBeGreaterThan(level);
    expect(pair).toBeGreaterThan(product);
    expect(plot[product].indexOf('a')).toBeGreaterThan(plot[pair].indexOf('*'));
  });

  test('names the kernels, those that only move as well', () => {
    const text = lines.join('\n');
    expect(text).toMatch(/^a +matmul +1024x768 +32\.0 +32\.0 +1\.00 +50 %$/m);
    expect(text).toMatch(/^ +copy +1024x768 +moves +6\.00 +75 %$/m);
  });
});

describe('as SVG', () => {
  const svg = rooflineSvg(model);

  test('is well-formed, and names everything', () => {
    const open: string[] = [];
    for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!self) open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg).toContain('abacus &lt;wood&gt; &amp; wire');
    expect(svg).toContain('<title>matmul 1024x768, naive: 32.0 GFLOP/s, 50 % of the roof</title>');
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('bends its roof at the ridge, and puts points at half the roof the same way below it', () => {
    const corners = /<polyline points="([^"]+)"/
      .exec(svg)![1]
      .split(' ')
      .map((pair) => pair.split(',').map(Number));
    expect(corners).toHaveLength(3);
    expect(corners[0][1]).toBeGreaterThan(corners[1][1]);
    expect(corners[1][1]).toBe(corners[2][1]);
    const [product] = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x, +y]);
    expect(product[0]).toBeGreaterThan(corners[1][0]);
    expect(product[1]).toBeGreaterThan(corners[1][1]);
  });
});

describe('cloze bench roofline', () => {
  test('plots a saved report without measuring', async () => {
    const [saved, picture] = [join(folder, 'report.json'), join(folder, 'roof.svg')];
    await writeFile(saved, JSON.stringify(report));
    const { code, out } = await cloze(['bench', 'roofline', '--from', saved, '--out', picture]);
    expect(code).toBe(0);
    expect(out).toBe(`${rooflineText(model).join('\n')}\n`);
    expect(await readFile(picture, 'utf8')).toBe(rooflineSvg(model));
    const json = await cloze(['bench', 'roofline', '--from', saved, '--filter', 'COPY', '--json']);
    expect(JSON.parse(json.out).points).toMatchObject([{ kernel: 'copy' }]);
  });

  test('measures where there is no report', async () => {
    const { out } = await cloze(['bench', 'roofline', '--filter', 'layerNormParam', '--quick', '--json']);
    const { ceiling, points } = JSON.parse(out);
    expect(ceiling.gflops).toBeGreaterThan(0.1);
    expect(points).toMatchObject([{ kernel: 'layerNormParameters', mark: 'a' }]);
    expect(points[0].share).toBeGreaterThan(0);
  });
});
