/** Memory of activations against tokens in a row, as an SVG picture that stands by itself. Both axes are linear and begin at 0. */
import { lineChartSvg } from '../src/mlm/charts/lineChart.ts';
import type { ActivationCost, MemoryReport, MemoryRow } from './memory.ts';

const series: readonly [name: string, cost: (row: MemoryRow) => ActivationCost][] = [
  ['all activations kept', ({ kept }) => kept],
  ['insides of layers recomputed', ({ recomputed }) => recomputed],
];

export function memorySvg({ adapter, model, batch, rows }: MemoryReport): string {
  return lineChartSvg({
    title: `Activations of a step of ${model}, ${batch} ${batch === 1 ? 'row' : 'rows'}, on ${adapter}`,
    x: 'tokens in a row',
    y: 'MiB',
    xTicks: rows.map(({ seqLen }) => seqLen),
    series: series.map(([name, cost]) => ({
      name,
      points: rows.map((row) => [row.seqLen, cost(row).activationBytes / 2 ** 20] as const),
    })),
  });
}
