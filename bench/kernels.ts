/** `cloze bench kernels`: the ceiling of the adapter, a control, and every kernel at its shapes. */

import type { FloatType } from '../src/autograd/index.ts';
import type { Device } from '../src/gpu/index.ts';
import { compare, makeInputs, runVariant, toleranceOf } from '../src/kernels/check.ts';
import { type NumberArray, selectVariant, type Variant } from '../src/kernels/index.ts';
import { requireHalf } from '../src/kernels/launcher.ts';
import { costOf, inHalf, isHalf } from '../src/kernels/spec.ts';
import { copies, multiplyAdd } from './ceiling.ts';
import { contest, type Timing } from './contest.ts';
import type { Control, KernelReport, KernelRow } from './report.ts';
import { defaultSampling, ratio, type Sampling, summarize } from './sampling.ts';
import { type BenchCase, checkedSizes, shapeName } from './shapes.ts';

export interface Listener {
  /** Told of the adapter, its ceiling and the control before the first row, and of the rows of each case. */
  onStart?(start: Omit<KernelReport, 'rows'>): void;
  onRows?(rows: readonly KernelRow[]): void;
  /** Asked before each case: whether the rest is to be left out. */
  ended?(): boolean;
}

export interface KernelBenchOptions extends Listener {
  cases: readonly BenchCase[];
  /** All variants that the adapter can run, or the one that it would use. */
  variants: 'all' | 'chosen';
  /** How the floats are stored that may be stored as f16; kernels that have none are left out. Default f32. */
  dtype?: FloatType;
  sampling?: Sampling;
}

export function measureKernels(device: Device, options: KernelBenchOptions): Promise<KernelReport> {
  const { variants, dtype = 'f32', sampling = defaultSampling } = options;
  if (dtype === 'f16') requireHalf(device.capabilities);
  const cases = options.cases.flatMap((bench) => storedAs(dtype, bench));
  const measure = (bench: BenchCase, ceiling: KernelReport['ceiling']) =>
    measureCase(device, bench, variants, sampling, ceiling);
  return measureCases(device, cases, measure, sampling, options);
}

/** The case with its problems in f16 where that is asked for; none where its kernel stores nothing so. */
function storedAs(dtype: FloatType, bench: BenchCase): BenchCase[] {
  if (dtype === 'f32') return [bench];
  const { spec, problem } = bench.kernel;
  if (!spec.bindings.some(({ half }) => half)) return [];
  return [{ ...bench, kernel: { ...bench.kernel, problem: (...sizes) => inHalf(spec, problem(...sizes)) } }];
}

/** A report of whatever cases: the ceiling and the control, then the rows that `measure` finds for each. */
export async function measureCases<Case>(
  device: Device,
  cases: readonly Case[],
  measure: (bench: Case, ceiling: KernelReport['ceiling']) => Promise<KernelRow[]>,
  sampling: Sampling,
  listener: Listener,
): Promise<KernelReport> {
  const ceiling = await measureCeiling(device, sampling);
  const control = await measureControl(device, sampling);
  const { name, description } = device.capabilities;
  const adapter = `${name.replace(/-$/, '')}${description ? ` (${description})` : ''}`;
  const report: KernelReport = { adapter, ceiling, control, rows: [] };
  listener.onStart?.(report);
  for (const bench of cases) {
    if (listener.ended?.()) break;
    const rows = await measure(bench, ceiling);
    report.rows.push(...rows);
    listener.onRows?.(rows);
  }
  return report;
}

/** The best that the adapter was seen to do: multiply-adds and bytes a second, in billions. */
export async function measureCeiling(
  device: Device,
  sampling: Sampling = defaultSampling,
): Promise<KernelReport['ceiling']> {
  const size = device.capabilities.software ? 1 : 64;
  const best = async (spec: Parameters<typeof contest>[1], problem: object) => {
    const [{ wall }] = await contest(device, spec, problem, [spec.variants[0].name], sampling);
    return Math.min(...wall);
  };
  let gflops = 0;
  for (const accumulators of [2, 3, 4]) {
    const problem = { invocations: 16_384 * size, steps: 64, accumulators };
    gflops = Math.max(gflops, multiplyAdd.cost(problem).flops / (await best(multiplyAdd, problem)) / 1e6);
  }
  let gbps = 0;
  for (const spec of copies) {
    const problem = { count: (4 << 20) * Math.min(size, 8) };
    gbps = Math.max(gbps, spec.cost(problem).bytes / (await best(spec, problem)) / 1e6);
  }
  return { gflops, gbps };
}

/** One kernel under two names: what their ratio strays from 1 is noise. */
async function measureControl(device: Device, sampling: Sampling): Promise<Control> {
  const [copy] = copies;
  const { name } = copy.variants[0];
  const problem = { count: 4 << 20 };
  const [a, b] = await contest(device, copy, problem, [name, name], sampling);
  const { median, spread } = ratio(a.wall, b.wall);
  return { kernel: 'copy', shape: `${problem.count}`, ratio: median, spread };
}

async function measureCase(
  device: Device,
  bench: BenchCase,
  which: 'all' | 'chosen',
  sampling: Sampling,
  ceiling: KernelReport['ceiling'],
): Promise<KernelRow[]> {
  const { kernel, sizes } = bench;
  const { spec } = kernel;
  const { capabilities } = device;
  const problem = kernel.problem(...sizes);
  const chosen = selectVariant(spec, problem, capabilities);
  const variants =
    which === 'chosen'
      ? [chosen]
      : spec.variants.filter((variant) => variant.supports(capabilities, problem) === true);
  const timings = await contest(
    device,
    spec,
    problem,
    variants.map(({ name }) => name),
    sampling,
  );
  const checked = checkedSizes(bench);
  const errors = await relativeErrors(device, bench, checked, variants);
  return timings.map((timing, i) => ({
    kernel: kernel.name,
    shape: shapeName(sizes),
    dtype: isHalf(problem) ? 'f16' : 'f32',
    variant: timing.variant,
    chosen: variants[i] === chosen,
    ...speed(timing, costOf(spec, problem), ceiling),
    relError: errors[i],
    peers: {},
    gpuMs: timing.gpu.length > 0 ? summarize(timing.gpu).median : null,
    compileMs: timing.compile,
    warmUpMs: timing.warmUp,
    checkedShape: shapeName(checked),
  }));
}

function speed({ wall }: Timing, cost: { flops: number; bytes: number }, ceiling: KernelReport['ceiling']) {
  const { median: ms, spread } = summarize(wall);
  const gflops = cost.flops / ms / 1e6;
  const gbps = cost.bytes / ms / 1e6;
  return { ms, spread, gflops, gbps, ceilingShare: Math.max(gflops / ceiling.gflops, gbps / ceiling.gbps) };
}

/** How far each variant strays from float64; the reference is computed once. */
async function relativeErrors(
  device: Device,
  { kernel }: BenchCase,
  sizes: readonly number[],
  variants: readonly Variant<object>[],
): Promise<(number | null)[]> {
  const { spec } = kernel;
  const problem = kernel.problem(...sizes);
  const inputs = makeInputs(spec, problem, 1);
  const want: Record<string, NumberArray> = spec.reference(problem, inputs);
  const limit = toleranceOf(spec, problem);
  const errors: (number | null)[] = [];
  for (const { name, supports } of variants) {
    const able = supports(device.capabilities, problem) === true;
    const got = able ? await runVariant(device, spec, name, problem, inputs) : undefined;
    errors.push(got ? compare(got, want, limit, problem).relativeError : null);
  }
  return errors;
}
