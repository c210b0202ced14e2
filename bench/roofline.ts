/**
 * The roofline of an adapter (Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
 * multicore architectures", CACM 52(4), 2009): a kernel that does I operations for each byte it moves can do no more
 * than I times the bytes a second, nor more than the operations a second, that the adapter was seen to reach.
 */
import type { KernelReport, KernelRow } from './report.ts';

export interface RooflinePoint {
  /** A letter by which the plot names it; empty for a kernel that only moves, which has no place there. */
  mark: string;
  kernel: string;
  shape: string;
  variant: string;
  /** Operations for each byte that has to be moved at least once; 0 for a kernel that only moves. */
  intensity: number;
  gflops: number;
  gbps: number;
  /** What was reached, as a share of what the roof allows at this intensity. */
  share: number;
}

export interface Roofline {
  adapter: string;
  ceiling: KernelReport['ceiling'];
  /** The intensity from which on arithmetic is the limit and no longer memory. */
  ridge: number;
  points: RooflinePoint[];
}

/** Lowest and highest values on the two axes, which are logarithmic. */
export interface Frame {
  intensity: [low: number, high: number];
  gflops: [low: number, high: number];
}

const marks = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/** The roof at an intensity, in billions of operations a second. */
export function roofAt({ gflops, gbps }: KernelReport['ceiling'], intensity: number): number {
  return Math.min(gflops, intensity * gbps);
}

/** Places the rows of a report under its roof. */
export function roofline({ adapter, ceiling, rows }: KernelReport): Roofline {
  let named = 0;
  const point = ({ kernel, shape, variant, gflops, gbps }: KernelRow): RooflinePoint => {
    const intensity = gflops / gbps;
    const mark = intensity > 0 ? marks[named++ % marks.length] : '';
    const share = intensity > 0 ? gflops / roofAt(ceiling, intensity) : gbps / ceiling.gbps;
    return { mark, kernel, shape, variant, intensity, gflops, gbps, share };
  };
  return { adapter, ceiling, ridge: ceiling.gflops / ceiling.gbps, points: rows.map(point) };
}

/** The points that a logarithmic plot has a place for. */
export function plotted({ points }: Roofline): RooflinePoint[] {
  return points.filter(({ intensity }) => intensity > 0);
}

/** Axes that hold the ridge and every point, with room around them: whole powers of two, and of ten. */
export function frameOf(model: Roofline): Frame {
  const points = plotted(model);
  const around = (base: number, values: number[]): [number, number] => {
    const power = (value: number) => Math.log(value) / Math.log(base);
    const low = Math.floor(power(Math.min(...values)) - 0.1);
    return [base ** low, base ** Math.max(low + 1, Math.ceil(power(Math.max(...values)) + 0.1))];
  };
  return {
    intensity: around(2, [model.ridge / 4, model.ridge * 4, ...points.map(({ intensity }) => intensity)]),
    gflops: around(10, [model.ceiling.gflops, ...points.map(({ gflops }) => gflops)]),
  };
}

/** Where a value stands on a logarithmic axis: 0 at its low end, 1 at its high one. */
export function along([low, high]: readonly [number, number], value: number): number {
  return Math.log(value / low) / Math.log(high / low);
}

/** The powers of `base` on an axis, its ends included. */
export function ticks([low, high]: readonly [number, number], base: number): number[] {
  const count = Math.round(Math.log(high / low) / Math.log(base));
  return Array.from({ length: count + 1 }, (_, i) => low * base ** i);
}

/** 1/8, 1/2, 4, 256: an intensity on the axis. */
export function intensityText(value: number): string {
  return value < 1 ? `1/${Math.round(1 / value)}` : `${Math.round(value)}`;
}
