/** A line chart by uPlot that follows the width of its place and the colours of the page. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export interface Line {
  label: string;
  /** A custom property of the page's style. */
  colour: string;
  /** A value for each x; null where there is none. */
  values: (number | null)[];
  dash?: number[];
  width?: number;
  points?: boolean;
}

export interface PlotProps {
  x: number[];
  lines: Line[];
  height: number;
  /** For those who cannot see it. */
  description: string;
  format(value: number): string;
  /** Whether there is an axis with numbers for x. */
  axis?: boolean;
  /** The range of y; by default that of the values. */
  range?: uPlot.Scale.Range;
}

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const shape = props.lines.map(({ label }) => label).join();

  useEffect(() => {
    const host = place.current!;
    const made = new uPlot(options(props, host.clientWidth), data(props), host);
    chart.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height: props.height }));
    sizes.observe(host);
    const theme = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw(false, true);
    theme.addEventListener('change', redraw);
    return () => {
      theme.removeEventListener('change', redraw);
      sizes.disconnect();
      made.destroy();
    };
  }, [shape, props.height]);

  useEffect(() => chart.current?.setData(data(props)));

  return (
    <div
      class="plot"
      ref={place}
      role="img"
      aria-label={props.description}
      style={{ height: props.height }}
    />
  );
}

const data = ({ x, lines }: PlotProps) => [x, ...lines.map(({ values }) => values)] as uPlot.AlignedData;

function options({ lines, height, format, axis, range }: PlotProps, width: number): uPlot.Options {
  const axes = {
    stroke: () => style('--faint-ink'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: () => style('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 8, axis ? 0 : 4, 0],
    scales: { x: { time: false }, y: range ? { range } : {} },
    axes: [
      { ...axes, show: axis ?? false, size: 26, grid: { show: false } },
      { ...axes, size: 46, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(
        ({ label, colour, dash, width: thickness = 1.5, points = false }): uPlot.Series => ({
          label,
          stroke: () => style(colour),
          width: thickness,
          dash,
          spanGaps: true,
          points: { show: points, size: 5, fill: () => style(colour) },
        }),
      ),
    ],
  };
}
