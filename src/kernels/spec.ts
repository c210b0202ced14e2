/**
 * A kernel is data. A {@link KernelSpec} says what is computed (shapes, cost, a float64 reference) and lists the
 * variants that compute it, simplest first. Tests, the profiler and the benchmarks read the same record, and a
 * researcher's own variant enters through the same door.
 */
import type { BindingAccess, Capabilities } from '../gpu/index.ts';

export type ElementType = 'f32' | 'f16' | 'u32' | 'i32';
export type NumberArray = Float32Array | Float64Array | Uint32Array | Int32Array;

/** One buffer of a kernel. P is the kernel's problem: its shapes and options, plain data. */
export interface BindingSpec<P> {
  readonly name: string;
  /** `read-write` keeps what was there where the kernel does not write, or adds to it. */
  readonly access: BindingAccess;
  readonly type: Exclude<ElementType, 'f16'>;
  /** Whether the floats may as well be stored as f16; see {@link Precision}. */
  readonly half?: boolean;
  /** Elements. */
  length(problem: P): number;
  /** When given and false, the binding is left out (an optional bias, say). */
  when?(problem: P): boolean;
}

/**
 * What every problem may say besides: the names of the bindings that are stored as f16, out of those that allow it. All
 * arithmetic is f32 nevertheless. `Engine.run` says it by the types of the tensors that it is given.
 */
export interface Precision {
  readonly f16?: readonly string[];
}

export type Workgroups = readonly [number, number, number];

/** One way to compute a kernel. */
export interface Variant<P> {
  readonly name: string;
  /** True, or the reason why not. A baseline that is legal at WebGPU's default limits supports everything. */
  supports(capabilities: Capabilities, problem: P & Precision): true | string;
  /**
   * WGSL with an entry point `main`. Bindings stand in group 0 in the order of the spec, those left out skipped;
   * the uniform `Params` follows the last one. Shapes belong into `Params`, not into the text.
   */
  source(problem: P & Precision, capabilities: Capabilities): string;
  workgroups(problem: P, capabilities: Capabilities): Workgroups;
}

export interface KernelSpec<P> {
  readonly name: string;
  readonly bindings: readonly BindingSpec<P>[];
  /** The fields of the WGSL struct `Params`, in order, with their values for a problem; all 4-byte scalars. */
  readonly params: Readonly<Record<string, Exclude<ElementType, 'f16'>>>;
  values(problem: P): Readonly<Record<string, number>>;
  /** Throws a `shape` error when the problem makes no sense. */
  check?(problem: P): void;
  /** Floating-point operations, and bytes that have to be read and written at least once; all floats taken as f32. */
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

/** Whether some of a problem's floats are stored as f16. */
export const isHalf = ({ f16 = [] }: Precision) => f16.length > 0;

/** How a binding's elements are stored. */
export function typeOf<P>({ name, type }: BindingSpec<P>, { f16 }: Precision): ElementType {
  return f16?.includes(name) ? 'f16' : type;
}

/** Bytes of an element. */
export const bytesOf = (type: ElementType) => (type === 'f16' ? 2 : 4);

/** Bytes of a tensor of so many elements: buffers are bound and copied in whole words, of which there is at least one. */
export const byteLength = (type: ElementType, length: number) =>
  4 * Math.max(1, Math.ceil((bytesOf(type) * length) / 4));

/** The same problem with all floats that may be stored as f16 stored so. */
export function inHalf<P extends object>(spec: KernelSpec<P>, problem: P): P & Precision {
  const f16 = activeBindings(spec, problem).filter(({ half }) => half);
  return { ...problem, f16: f16.map(({ name }) => name) };
}

/** What a problem takes: the kernel's own account, less what is spared where floats are stored as f16. */
export function costOf<P>(spec: KernelSpec<P>, problem: P & Precision): { flops: number; bytes: number } {
  const { flops, bytes } = spec.cost(problem);
  if (!isHalf(problem)) return { flops, bytes };
  let [whole, stored] = [0, 0];
  for (const binding of activeBindings(spec, problem)) {
    whole += 4 * binding.length(problem);
    stored += bytesOf(typeOf(binding, problem)) * binding.length(problem);
  }
  return { flops, bytes: (bytes * stored) / whole };
}

/**
 * How far a result may stray from float64, relative to the largest magnitude of the output. Rounding in f32 grows with the
 * square root of the number of terms in a sum (Higham and Mary, SIAM J. Sci. Comput. 41(5), 2019). f16 is a type of
 * storage: it adds the rounding of what is stored, by half a unit in the last place, and of what was stored on the way.
 */
export function tolerance(type: 'f32' | 'f16', reductionLength: number): number {
  const arithmetic = 2 ** -23 * (16 + 4 * Math.sqrt(reductionLength));
  return type === 'f32' ? arithmetic : arithmetic + 2 ** -9;
}

/** Spreads `count` workgroups over two dimensions, since one holds at most 65,535; see `shaders/common.ts`. */
export function spread(count: number, limit = 65535): Workgroups {
  if (count <= limit) return [Math.max(1, count), 1, 1];
  const rows = Math.ceil(count / limit);
  return [Math.ceil(count / rows), rows, 1];
}
