/**
 * Runs one variant of a kernel on a problem and holds it against the kernel's float64 reference. The tests do this
 * for every variant of every kernel; `cloze bench` and researchers do it before they believe a time.
 */
import type { BufferView, Device } from '../gpu/index.ts';
import { decode, encode } from './elementType.ts';
import { fromHalves, largestHalf, toHalves } from './half.ts';
import { Launcher } from './launcher.ts';
import { Random } from './random.ts';
import {
  activeBindings,
  byteLength,
  isHalf,
  type KernelSpec,
  type NumberArray,
  type Precision,
  tolerance,
  typeOf,
} from './spec.ts';

export interface Mismatch {
  output: string;
  index: number;
  got: number;
  want: number;
}

export interface CheckResult {
  /** Largest |got − want| over all outputs, relative to the largest |want| of the output. */
  relativeError: number;
  /** What `relativeError` may be at most. */
  tolerance: number;
  /** The first elements beyond the tolerance, at most eight. */
  mismatches: Mismatch[];
}

/** Throws what `Launcher.run` throws; returns how far the variant strays. `seed` chooses the random inputs. */
export async function checkVariant<P extends object>(
  device: Device,
  spec: KernelSpec<P>,
  variant: string,
  problem: P,
  seed = 1,
): Promise<CheckResult> {
  const inputs = makeInputs(spec, problem, seed);
  const got = await runVariant(device, spec, variant, problem, inputs);
  const want = spec.reference(problem, inputs);
  return compare(got, want, toleranceOf(spec, problem), problem);
}

/** What a kernel's relative error may be at most. */
export function toleranceOf<P>(spec: KernelSpec<P>, problem: P & Precision): number {
  return tolerance(isHalf(problem) ? 'f16' : 'f32', spec.reductionLength(problem));
}

/**
 * Inputs for a problem: the kernel's own where it names them, standard normal numbers for the rest. What is stored as f16
 * is rounded to it, and made small enough for it.
 */
export function makeInputs<P>(
  spec: KernelSpec<P>,
  problem: P & Precision,
  seed: number,
): Record<string, NumberArray> {
  const random = isHalf(problem) ? new RandomHalves(seed) : new Random(seed, stream);
  const inputs: Record<string, NumberArray> = spec.inputs?.(problem, random) ?? {};
  for (const binding of activeBindings(spec, problem)) {
    if (binding.access === 'write' || inputs[binding.name]) continue;
    inputs[binding.name] = Float32Array.from({ length: binding.length(problem) }, () => random.normal());
  }
  for (const name of problem.f16 ?? []) {
    if (inputs[name]) inputs[name] = roundToHalf(inputs[name]);
  }
  return inputs;
}

const stream = 0x6b65726e;

/** Normal numbers that f16 can hold, so that what a kernel's inputs have in common survives their being stored. */
class RandomHalves extends Random {
  constructor(seed: number) {
    super(seed, stream);
  }

  override normal(): number {
    return fromHalves(toHalves([super.normal()]))[0];
  }
}

function roundToHalf(values: NumberArray): Float32Array {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  const factor = largest < largestHalf ? 1 : 1 / largest;
  return fromHalves(toHalves(Float32Array.from(values, (value) => factor * value)));
}

/** Runs one variant once and reads every output back, by name. Outputs start as NaN, so that gaps show. */
export async function runVariant<P extends object>(
  device: Device,
  spec: KernelSpec<P>,
  variant: string,
  problem: P,
  inputs: Readonly<Record<string, NumberArray>>,
): Promise<Record<string, NumberArray>> {
  const launcher = new Launcher(device);
  launcher.overrides.set(spec.name, variant);
  const views: Record<string, BufferView> = {};
  const bindings = activeBindings(spec, problem);
  try {
    for (const binding of bindings) {
      const length = binding.length(problem);
      const type = typeOf(binding, problem);
      const given = inputs[binding.name];
      const nothing = () => encode(new Float32Array(length).fill(Number.NaN), type === 'f16' ? 'f16' : 'f32');
      const size = byteLength(type, length);
      const view = { buffer: device.acquire(size, binding.name), offset: 0, size };
      views[binding.name] = view;
      if (length > 0) device.write(view.buffer, 0, given ? encode(given, type) : nothing());
    }
    launcher.run(spec, problem, views);
    const outputs: Record<string, NumberArray> = {};
    for (const binding of bindings) {
      if (binding.access === 'read') continue;
      const bytes = await device.read(views[binding.name]);
      outputs[binding.name] = decode(bytes, typeOf(binding, problem), binding.length(problem));
    }
    return outputs;
  } finally {
    for (const view of Object.values(views)) device.release(view.buffer);
  }
}

/**
 * Compares outputs by name; NaN where a number is wanted is always a mismatch. In an output stored as f16, a number beyond
 * its range has to be infinite.
 */
export function compare(
  got: Readonly<Record<string, NumberArray>>,
  want: Readonly<Record<string, NumberArray>>,
  limit: number,
  { f16 = [] }: Precision = {},
): CheckResult {
  const result: CheckResult = { relativeError: 0, tolerance: limit, mismatches: [] };
  for (const [output, expected] of Object.entries(want)) {
    const actual = got[output];
    const largest = f16.includes(output) ? largestHalf : Number.POSITIVE_INFINITY;
    let scale = 0;
    for (const value of expected) if (Math.abs(value) <= largest) scale = Math.max(scale, Math.abs(value));
    if (scale === 0) scale = 1;
    for (let index = 0; index < expected.length; index++) {
      const beyond = Math.abs(expected[index]) > largest && actual[index] === expected[index] * Infinity;
      const error = beyond ? 0 : Math.abs(actual[index] - expected[index]) / scale;
      if (error > result.relativeError || Number.isNaN(error)) result.relativeError = error;
      if (!(error <= limit) && result.mismatches.length < 8) {
        result.mismatches.push({ output, index, got: actual[index], want: expected[index] });
      }
    }
  }
  return result;
}
