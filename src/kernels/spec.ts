/**
 * A kernel is data. A {@link KernelSpec} says what is computed (shapes, cost, a float64 reference) and lists the
 * variants that compute it, simplest first. Tests, the profiler and the benchmarks read the same record, and a
 * researcher's own variant enters through the same door.
 */
import type { BindingAccess, Capabilities } from '../gpu/index.ts';

export type ElementType = 'f32' | 'u32' | 'i32';
export type NumberArray = Float32Array | Float64Array | Uint32Array | Int32Array;

/** One buffer of a kernel. P is the kernel's problem: its shapes and options, plain data. */
export interface BindingSpec<P> {
  readonly name: string;
  /** `read-write` keeps what was there where the kernel does not write, or adds to it. */
  readonly access: BindingAccess;
  readonly type: ElementType;
  /** Elements. */
  length(problem: P): number;
  /** When given and false, the binding is left out (an optional bias, say). */
  when?(problem: P): boolean;
}

export type Workgroups = readonly [number, number, number];

/** One way to compute a kernel. */
export interface Variant<P> {
  readonly name: string;
  /** True, or the reason why not. A baseline that is legal at WebGPU's default limits supports everything. */
  supports(capabilities: Capabilities, problem: P): true | string;
  /**
   * WGSL with an entry point `main`. Bindings stand in group 0 in the order of the spec, those left out skipped;
   * the uniform `Params` follows the last one. Shapes belong into `Params`, not into the text.
   */
  source(problem: P, capabilities: Capabilities): string;
  workgroups(problem: P, capabilities: Capabilities): Workgroups;
}

export interface KernelSpec<P> {
  readonly name: string;
  readonly bindings: readonly BindingSpec<P>[];
  /** The fields of the WGSL struct `Params`, in order, with their values for a problem; all 4-byte scalars. */
  readonly params: Readonly<Record<string, ElementType>>;
  values(problem: P): Readonly<Record<string, number>>;
  /** Throws a `shape` error when the problem makes no sense. */
  check?(problem: P): void;
  /** Floating-point operations, and bytes that have to be read and written at least once. */
  cost(problem: P): { flops: number; bytes: number };
  /** Length of the longest sum, from which the tolerance follows; 1 for element-wise kernels. */
  reductionLength(problem: P): number;
  /** The right answer in float64, by output name. Inputs come by name; `read-write` bindings are inputs too. */
  reference(problem: P, inputs: Readonly<Record<string, NumberArray>>): Record<string, NumberArray>;
  /** Inputs worth testing with, where standard normal numbers will not do (indices, large scores). */
  inputs?(
    problem: P,
    random: { normal(): number; below(n: number): number; uniform(): number },
  ): Record<string, NumberArray>;
  /** Fields of the problem on which no time depends: problems that differ in these alone are tuned as one. */
  readonly untimed?: readonly string[];
  /** Shapes that break careless kernels: 1, primes, one past a tile, many workgroups. */
  readonly awkward: readonly P[];
  /** Simplest first. */
  readonly variants: readonly Variant<P>[];
  /** Name of the variant to use; a pure function. Default: the last that supports the problem. */
  choose?(capabilities: Capabilities, problem: P): string;
}

/** The bindings that take part in a problem, in order. */
export function activeBindings<P>(spec: KernelSpec<P>, problem: P): BindingSpec<P>[] {
  return spec.bindings.filter((binding) => binding.when?.(problem) ?? true);
}

/**
 * How far float32 may stray from float64, relative to the largest magnitude of the output: rounding grows with the
 * square root of the number of terms in a sum (Higham and Mary, SIAM J. Sci. Comput. 41(5), 2019).
 */
export function tolerance(type: 'f32' | 'f16', reductionLength: number): number {
  const epsilon = type === 'f32' ? 2 ** -23 : 2 ** -10;
  return epsilon * (16 + 4 * Math.sqrt(reductionLength));
}

/** Spreads `count` workgroups over two dimensions, since one holds at most 65,535; see `shaders/common.ts`. */
export function spread(count: number, limit = 65535): Workgroups {
  if (count <= limit) return [Math.max(1, count), 1, 1];
  const rows = Math.ceil(count / limit);
  return [Math.ceil(count / rows), rows, 1];
}
