/**
 * A researcher's variant on trial: does it compile, is it right where kernels break, and how fast is it beside ours?
 * The steps are told as they begin and end, so that whoever watches sees which one does not end.
 */
import type { Device } from '../src/gpu/index.ts';
import { compare, type Mismatch, makeInputs, runVariant } from '../src/kernels/check.ts';
import {
  type AnyKernelSpec,
  selectVariant,
  tolerance,
  type Variant,
  withVariant,
} from '../src/kernels/index.ts';
import { pipelineRequest } from '../src/kernels/launcher.ts';
import { contest } from './contest.ts';
import { defaultSampling, ratio, type Sampling, type Summary, summarize } from './sampling.ts';
import { benchKernels, checkedSizes, selectCases, shapeName } from './shapes.ts';
import { findFaults, type WgslFault } from './wgslFaults.ts';

/** A step begins; `problem` is what it works on. */
export interface Step {
  event: 'step';
  step: 'load' | 'compile' | 'check' | 'time';
  what: string;
  problem?: object;
}

export type TrialEvent =
  | Step
  | { event: 'loaded'; variant: string; kernel: string; adapter: string }
  | { event: 'compiled'; texts: number; ms: number }
  | { event: 'faults'; faults: WgslFault[] }
  | { event: 'checked'; problem: string; relativeError: number; tolerance: number; mismatches: Mismatch[] }
  | { event: 'unsupported'; problem: string; reason: string }
  | { event: 'ranked'; shape: string; places: Place[] }
  /** One of our variants computed, on a fresh device, the problem at which the one on trial did not end. */
  | { event: 'recovered'; variant: string; ms: number }
  | { event: 'done' };

/** What a watcher tells: not each step, but the one that took too long and was stopped. */
export type TryEvent =
  | Exclude<TrialEvent, { event: 'step' }>
  | { event: 'hung'; step: Step['step']; what: string; seconds: number };

/** One variant's place at one shape, fastest first. */
export interface Place {
  variant: string;
  onTrial: boolean;
  /** What the kernel would use here by itself. */
  chosen: boolean;
  ms: number;
  spread: [min: number, max: number];
  /** Its time over that of the variant on trial. */
  ratio: Summary;
}

export interface TrialOptions {
  /** Shapes to time at, by name; the first of each use of the kernel when left out. */
  shapes?: readonly string[];
  sampling?: Sampling;
}

/** A problem in one line: what is not false and not `none`. */
export function problemText(problem: object): string {
  return Object.entries(problem)
    .filter(([, value]) => value !== false && value !== 'none')
    .map(([name, value]) =>
      value === true ? name : `${name}=${Array.isArray(value) ? `[${value}]` : value}`,
    )
    .join(' ');
}

/** Puts a variant through all steps. A wrong result is told at every shape, and then no time is taken. */
export async function runTrial(
  device: Device,
  kernel: AnyKernelSpec,
  variant: Variant<object>,
  tell: (event: TrialEvent) => void,
  { shapes, sampling = defaultSampling }: TrialOptions = {},
): Promise<void> {
  const spec = withVariant(kernel, variant);
  const { capabilities } = device;
  const supported = <T extends { problem: object; what: string }>(list: readonly T[]) =>
    list.filter(({ problem, what }) => {
      const verdict = variant.supports(capabilities, problem);
      if (verdict !== true) tell({ event: 'unsupported', problem: what, reason: verdict });
      return verdict === true;
    });
  const awkward = kernel.awkward.map((problem) => ({ problem, what: problemText(problem) }));
  const able = supported(awkward);
  const timed = supported(timedProblems(kernel, able, shapes));
  const more = timed.flatMap(({ checked, what }) => checked.map((problem) => ({ problem, what })));
  const checked = [...able, ...more];
  const problems = [...checked, ...timed].map(({ problem }) => problem);
  if (!(await compiles(device, spec, variant, problems, tell))) return tell({ event: 'done' });

  let right = true;
  for (const { problem, what } of checked) {
    tell({ event: 'step', step: 'check', problem, what });
    const inputs = makeInputs(spec, problem, 1);
    const limit = tolerance('f32', spec.reductionLength(problem));
    const got = await runVariant(device, spec, variant.name, problem, inputs);
    const { relativeError, mismatches } = compare(got, spec.reference(problem, inputs), limit);
    tell({ event: 'checked', problem: what, relativeError, tolerance: limit, mismatches });
    right &&= mismatches.length === 0;
  }

  for (const { what, problem } of right ? timed : []) {
    tell({ event: 'step', step: 'time', what, problem });
    tell({
      event: 'ranked',
      shape: what,
      places: await rank(device, spec, kernel, variant, problem, sampling),
    });
  }
  tell({ event: 'done' });
}

/** Shows that the adapter still works: our own choice on a problem. */
export async function recover(device: Device, kernel: AnyKernelSpec, problem: object): Promise<TrialEvent> {
  const { name } = selectVariant(kernel, problem, device.capabilities);
  const inputs = makeInputs(kernel, problem, 1);
  const began = performance.now();
  await runVariant(device, kernel, name, problem, inputs);
  return { event: 'recovered', variant: name, ms: performance.now() - began };
}

/**
 * The problems to be timed: those named, or the first of each use of the kernel, or the largest of `able`. `checked` is
 * the same or a smaller one, for which the float64 reference does not take long; left out where it is one of `able`.
 */
function timedProblems(
  kernel: AnyKernelSpec,
  able: readonly { problem: object; what: string }[],
  shapes?: readonly string[],
) {
  const uses = benchKernels.filter(({ spec }) => spec.name === kernel.name);
  if (uses.length === 0) {
    const work = ({ problem }: { problem: object }) => kernel.cost(problem).bytes;
    const [largest] = [...able].sort((a, b) => work(b) - work(a));
    return largest ? [{ ...largest, checked: [] }] : [];
  }
  const cases = shapes
    ? selectCases({ shapes }, uses)
    : uses.map((use) => ({ kernel: use, sizes: use.shapes[0] }));
  return cases.map((bench) => ({
    what: `${bench.kernel.name} ${shapeName(bench.sizes)}`,
    problem: bench.kernel.problem(...bench.sizes),
    checked: [bench.kernel.problem(...checkedSizes(bench))],
  }));
}

/** Compiles each text that the problems ask for; tells the faults of the first that does not compile. */
async function compiles(
  device: Device,
  spec: AnyKernelSpec,
  variant: Variant<object>,
  problems: readonly object[],
  tell: (event: TrialEvent) => void,
): Promise<boolean> {
  const requests = new Map(
    problems.map((problem) => {
      const request = pipelineRequest(spec, variant, problem, device.capabilities);
      return [request.code, request] as const;
    }),
  );
  const began = performance.now();
  for (const request of requests.values()) {
    tell({ event: 'step', step: 'compile', what: 'WGSL' });
    const faults = await findFaults(device, request.code);
    if (faults.length > 0) {
      tell({ event: 'faults', faults });
      return false;
    }
    await device.pipelines.prepare([request]);
  }
  tell({ event: 'compiled', texts: requests.size, ms: performance.now() - began });
  return true;
}

async function rank(
  device: Device,
  spec: AnyKernelSpec,
  kernel: AnyKernelSpec,
  variant: Variant<object>,
  problem: object,
  sampling: Sampling,
): Promise<Place[]> {
  const { capabilities } = device;
  const names = spec.variants
    .filter((candidate) => candidate.supports(capabilities, problem) === true)
    .map(({ name }) => name);
  const timings = await contest(device, spec, problem, names, sampling);
  const own = timings.find((timing) => timing.variant === variant.name)!;
  const chosen = selectVariant(kernel, problem, capabilities).name;
  return timings
    .map(({ variant: name, wall }) => {
      const { median, spread } = summarize(wall);
      return {
        variant: name,
        onTrial: name === variant.name,
        chosen: name === chosen,
        ms: median,
        spread,
        ratio: ratio(wall, own.wall),
      };
    })
    .sort((a, b) => a.ms - b.ms);
}
