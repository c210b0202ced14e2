import { expect, test } from 'vitest';
import { lineChartSvg } from '../../../src/mlm/charts/lineChart.ts';

/** The places of the dots, in points from the left and from the top. */
const dots = (svg: string) =>
  [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);

test('points stand where the axes say, from zero', () => {
  const svg = lineChartSvg({
    title: 'a < b',
    x: 'tokens',
    y: 'MiB',
    series: [
      {
        name: 'one',
        points: [
          [0, 0],
          [5, 10],
          [10, 20],
        ],
      },
    ],
  });
  const [first, middle, last] = dots(svg);
  expect(first).toEqual([80, 410]);
  expect(last).toEqual([640, 50]);
  expect(middle).toEqual([360, 230]);
  expect(svg).toContain('<title>a &lt; b</title>');
  expect(svg.match(/<polyline/g)).toHaveLength(1);
});

test('a logarithmic axis has its powers of ten at equal distances', () => {
  const svg = lineChartSvg({
    title: 't',
    x: 'lr',
    y: 'score',
    logX: true,
    yFrom: 'data',
    series: [
      {
        name: 'trials',
        joined: false,
        notes: ['a', 'b', 'c'],
        points: [
          [1e-4, 0.5],
          [1e-3, 0.6],
          [1e-2, 0.4],
        ],
      },
    ],
  });
  const xs = dots(svg).map(([x]) => x);
  expect(xs[1] - xs[0]).toBeCloseTo(xs[2] - xs[1], 0);
  for (const tick of ['1e-4', '0.001', '0.01']) expect(svg).toContain(`>${tick}</text>`);
  expect(svg).toContain('<title>b</title>');
  expect(svg).not.toContain('<polyline');
});

test('one point, equal values and values that are no numbers make no picture of NaN', () => {
  for (const points of [
    [[1, 1]],
    [
      [1, 2],
      [2, 2],
    ],
    [
      [1, 3],
      [2, Number.NaN],
    ],
  ] as [number, number][][]) {
    for (const logX of [false, true]) {
      for (const yFrom of ['zero', 'data'] as const) {
        const svg = lineChartSvg({
          title: 't',
          x: 'x',
          y: 'y',
          logX,
          yFrom,
          series: [{ name: 's', points }],
        });
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      }
    }
  }
});
