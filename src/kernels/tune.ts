/**
 * Finds the fastest variant of each kernel by measuring. The variants of a problem take turns on the same buffers, every
 * other round in the opposite order; one wins over the kernel's own choice only if it was faster in every
 * round, and by more than a little. What differs by less is noise, and noise changes nothing.
 */
import type { Device } from '../gpu/index.ts';
import { makeBuffers } from './buffers.ts';
import { type KernelProblem, Launcher, pipelineRequest, selectVariant } from './launcher.ts';
import { problemKey, type TunedChoice } from './tuning.ts';

export interface TunedProblem extends TunedChoice {
  /** The variant that the kernel chooses by itself. `variant` is the same unless another won. */
  own: string;
  /** Milliseconds of a call, the median, by variant; empty where there is nothing to choose from. */
  ms: Record<string, number>;
}

export interface TuneOptions {
  /** Turns that each variant has. More of them find smaller differences. */
  rounds?: number;
  /** Milliseconds that a turn should take; the wait for its end is late by up to one. */
  turn?: number;
  /** Told of each problem when it is done. */
  onProblem?(result: TunedProblem, done: number, of: number): void;
}

/** Most calls in a turn. */
const mostCalls = 256;

/** A variant this many times as slow as the fastest, at first sight, is not measured further. */
const hopeless = 3;

/** By how much a winner must be faster than the kernel's own choice, in the median. */
const margin = 1.05;

/** Measures what there is to choose from, one problem after the other; problems that take equal time count as one. */
export async function tune(
  device: Device,
  problems: readonly KernelProblem[],
  { rounds = 7, turn = 20, onProblem }: TuneOptions = {},
): Promise<TunedProblem[]> {
  const results: TunedProblem[] = [];
  const distinct = new Map(
    problems.map((item) => [`${item.spec.name} ${problemKey(item.spec, item.problem)}`, item]),
  );
  for (const item of distinct.values()) {
    const { spec, problem } = item;
    const own = selectVariant(spec, problem, device.capabilities).name;
    const able = spec.variants.filter(({ supports }) => supports(device.capabilities, problem) === true);
    const times =
      able.length > 1 ? await race(device, item, able, own, { rounds, turn }) : new Map<string, number[]>();
    const ms = Object.fromEntries([...times].map(([name, samples]) => [name, median(samples)]));
    const variant = winner(own, times);
    results.push({ kernel: spec.name, problem: problemKey(spec, problem), own, variant, ms });
    onProblem?.(results[results.length - 1], results.length, distinct.size);
  }
  return results;
}

/** The variant to use: the fastest of those that beat `own` in each round and by the margin, else `own`. */
export function winner(own: string, times: ReadonlyMap<string, readonly number[]>): string {
  const mine = times.get(own);
  if (!mine) return own;
  const better = [...times].filter(([, samples]) => {
    const ratios = mine.map((time, round) => time / samples[round]);
    return Math.min(...ratios) > 1 && median(ratios) >= margin;
  });
  better.sort(([, a], [, b]) => median(a) - median(b));
  return better[0]?.[0] ?? own;
}

/** Milliseconds of a call in each round, by variant; all but `own` that have no hope are left out. */
async function race(
  device: Device,
  { spec, problem }: KernelProblem,
  variants: KernelProblem['spec']['variants'],
  own: string,
  { rounds, turn }: { rounds: number; turn: number },
): Promise<Map<string, number[]>> {
  const buffers = makeBuffers(device, spec, problem);
  const callsFor = (ms: number) => Math.max(1, Math.min(mostCalls, Math.round(turn / ms)));
  try {
    await device.pipelines.prepare(
      variants.map((variant) => pipelineRequest(spec, variant, problem, device.capabilities)),
    );
    const runners = variants.map(({ name }) => {
      const launcher = new Launcher(device);
      launcher.overrides.set(spec.name, name);
      const time = async (calls: number) => {
        const began = performance.now();
        for (let i = 0; i < calls; i++) launcher.run(spec, problem, buffers);
        await device.synchronize();
        return (performance.now() - began) / calls;
      };
      return { name, time, estimate: 0, samples: [] as number[] };
    });
    for (const runner of runners) {
      await runner.time(1); // some drivers compile only now
      runner.estimate = await runner.time(1);
      runner.estimate = await runner.time(callsFor(runner.estimate));
    }
    const fastest = Math.min(...runners.map(({ estimate }) => estimate));
    const order = runners.filter(({ name, estimate }) => name === own || estimate < hopeless * fastest);
    for (let round = 0; round < rounds; round++) {
      for (const { time, estimate, samples } of order) samples.push(await time(callsFor(estimate)));
      order.reverse();
    }
    return new Map(order.map(({ name, samples }) => [name, samples]));
  } finally {
    for (const { buffer } of Object.values(buffers)) device.release(buffer);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
