/**
 * Runs one variant of a kernel on a problem and holds it against the kernel's float64 reference. The tests do this
 * for every variant of every kernel; `cloze bench` and researchers do it before they believe a time.
 */
import type { BufferView, Device } from '../gpu/index.ts';
import { Launcher } from './launcher.ts';
import { Random } from './random.ts';
import {
  activeBindings,
  type BindingSpec,
  type ElementType,
  type KernelSpec,
  type NumberArray,
  tolerance,
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
  return compare(got, want, tolerance('f32', spec.reductionLength(problem)));
}

/** Inputs for a problem: the kernel's own where it names them, standard normal numbers for the rest. */
export function makeInputs<P>(spec: KernelSpec<P>, problem: P, seed: number): Record<string, NumberArray> {
  const random = new Random(seed, 0x6b65726e);
  const inputs: Record<string, NumberArray> = spec.inputs?.(problem, random) ?? {};
  for (const binding of activeBindings(spec, problem)) {
    if (binding.access === 'write' || inputs[binding.name]) continue;
    inputs[binding.name] = Float32Array.from({ length: binding.length(problem) }, () => random.normal());
  }
  return inputs;
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
      const data = inputs[binding.name] ?? new Float32Array(binding.length(problem)).fill(Number.NaN);
      const size = Math.max(4, 4 * binding.length(problem));
      const view = { buffer: device.acquire(size, binding.name), offset: 0, size };
      views[binding.name] = view;
      if (data.length > 0) device.write(view.buffer, 0, data);
    }
    launcher.run(spec, problem, views);
    const outputs: Record<string, NumberArray> = {};
    for (const binding of bindings) {
      if (binding.access !== 'read')
        outputs[binding.name] = await readBinding(device, binding, views[binding.name]);
    }
    return outputs;
  } finally {
    for (const view of Object.values(views)) device.release(view.buffer);
  }
}

/** Compares outputs by name; NaN where a number is wanted is always a mismatch. */
export function compare(
  got: Readonly<Record<string, NumberArray>>,
  want: Readonly<Record<string, NumberArray>>,
  limit: number,
): CheckResult {
  const result: CheckResult = { relativeError: 0, tolerance: limit, mismatches: [] };
  for (const [output, expected] of Object.entries(want)) {
    const actual = got[output];
    let scale = 0;
    for (const value of expected) scale = Math.max(scale, Math.abs(value));
    if (scale === 0) scale = 1;
    for (let index = 0; index < expected.length; index++) {
      const error = Math.abs(actual[index] - expected[index]) / scale;
      if (error > result.relativeError || Number.isNaN(error)) result.relativeError = error;
      if (!(error <= limit) && result.mismatches.length < 8) {
        result.mismatches.push({ output, index, got: actual[index], want: expected[index] });
      }
    }
  }
  return result;
}

const arrayOf: Record<ElementType, new (bytes: ArrayBuffer) => NumberArray> = {
  f32: Float32Array,
  u32: Uint32Array,
  i32: Int32Array,
};

async function readBinding<P>(
  device: Device,
  binding: BindingSpec<P>,
  view: BufferView,
): Promise<NumberArray> {
  return new arrayOf[binding.type](await device.read(view));
}
