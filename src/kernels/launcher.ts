/**
 * Runs kernels: picks the variant, compiles it once per problem, writes its parameters and records the dispatch.
 * What depends on the problem alone is worked out the first time and remembered.
 */
import type { BufferView, Capabilities, Device } from '../gpu/index.ts';
import { ClozeError } from '../gpu/index.ts';
import type { PipelineRequest } from '../gpu/pipelines.ts';
import type { AnyKernelSpec } from './registry.ts';
import {
  activeBindings,
  costOf,
  isHalf,
  type KernelSpec,
  type Precision,
  type Variant,
  type Workgroups,
} from './spec.ts';
import type { Tuning } from './tuning.ts';

/** A kernel and what it is to compute. */
export interface KernelProblem {
  spec: AnyKernelSpec;
  problem: object;
}

interface Launch {
  problem: object;
  label: string;
  pipeline: ReturnType<Device['pipelines']['get']>;
  names: readonly string[];
  params: ReturnType<Device['params']> | undefined;
  workgroups: Workgroups;
  seconds: number;
}

export class Launcher {
  readonly device: Device;
  /** Kernel name → variant name; wins over the kernel's own choice. */
  readonly overrides = new Map<string, string>();
  private readonly launches = new Map<KernelSpec<never>, Map<string, Launch>>();
  private table: Tuning | undefined;

  constructor(device: Device) {
    this.device = device;
  }

  /** Choices that were measured: they win over the kernel's own where they can be used, and lose to `overrides`. */
  get tuning(): Tuning | undefined {
    return this.table;
  }

  set tuning(tuning: Tuning | undefined) {
    this.table = tuning;
    this.launches.clear();
  }

  /** Every kernel run so far, once for each problem; `tuning` forgets them when it is set. */
  get problems(): KernelProblem[] {
    return [...this.launches].flatMap(([spec, known]) =>
      [...known.values()].map(({ problem }) => ({ spec: spec as unknown as AnyKernelSpec, problem })),
    );
  }

  /** Records the kernel. `buffers` gives a view for each binding that takes part in the problem, by name. */
  run<P extends object>(
    spec: KernelSpec<P>,
    problem: P,
    buffers: Readonly<Record<string, BufferView>>,
  ): void {
    const launch = this.launch(spec, problem);
    const views = launch.names.map((name) => buffers[name]);
    const { label, pipeline, params, workgroups, seconds } = launch;
    this.device.dispatch(label, pipeline, views, params, workgroups, seconds);
  }

  private launch<P extends object>(spec: KernelSpec<P>, problem: P): Launch {
    const override = this.overrides.get(spec.name);
    const key = `${override ?? ''}${Object.values(problem).join()}`;
    let known = this.launches.get(spec as unknown as KernelSpec<never>);
    if (!known) {
      known = new Map();
      this.launches.set(spec as unknown as KernelSpec<never>, known);
    }
    let launch = known.get(key);
    if (!launch) {
      launch = this.makeLaunch(spec, problem, override);
      known.set(key, launch);
    }
    return launch;
  }

  private makeLaunch<P extends object>(
    spec: KernelSpec<P>,
    problem: P,
    override: string | undefined,
  ): Launch {
    spec.check?.(problem);
    const { capabilities } = this.device;
    checkHalf(spec, problem, capabilities);
    const tuned = this.table?.variantFor(spec, problem);
    const variant = selectVariant(spec, problem, capabilities, { name: override, tuned });
    const fields = Object.entries(spec.params);
    return {
      problem,
      label: spec.name === variant.name ? spec.name : `${spec.name}/${variant.name}`,
      pipeline: this.device.pipelines.get(pipelineRequest(spec, variant, problem, capabilities)),
      names: activeBindings(spec, problem).map((binding) => binding.name),
      params: fields.length > 0 ? this.device.params(packParams(spec, problem)) : undefined,
      workgroups: variant.workgroups(problem, capabilities),
      seconds: estimateSeconds(costOf(spec, problem), capabilities.software),
    };
  }
}

/** Throws `dtype` where the adapter has no f16. */
export function requireHalf({ features, name }: Capabilities): void {
  if (features.has('shader-f16')) return;
  throw new ClozeError('dtype', `the adapter ${name} has no f16 (shader-f16)`, 'Use f32');
}

/** Throws `dtype` where f16 is wanted of an adapter that lacks it, or of a binding that must be f32. */
function checkHalf<P>(spec: KernelSpec<P>, problem: P & Precision, capabilities: Capabilities): void {
  if (!isHalf(problem)) return;
  requireHalf(capabilities);
  const allowed = spec.bindings.filter(({ half }) => half).map((binding) => binding.name);
  const wrong = problem.f16?.find((binding) => !allowed.includes(binding));
  if (wrong) {
    throw new ClozeError('dtype', `the kernel ${spec.name} takes f32 for ${wrong}, not f16`, 'Use cast()');
  }
}

/**
 * A rough time for a kernel, by which submissions are bounded: a slow adapter's, since a submission may be shorter than
 * it has to be but not much longer. An integrated GPU is taken to do 200 GFLOP/s and move 20 GB/s; a software adapter
 * a twentieth of that arithmetic and a tenth of the bytes.
 */
export function estimateSeconds(
  { flops, bytes }: { flops: number; bytes: number },
  software: boolean,
): number {
  return software ? Math.max(flops / 1e10, bytes / 2e9) : Math.max(flops / 2e11, bytes / 2e10);
}

/**
 * The variant that a problem gets on an adapter: the one asked for by `name`; or `tuned`, if it can be used; or the
 * kernel's own choice. Throws when a variant asked for by name cannot be used.
 */
export function selectVariant<P>(
  spec: KernelSpec<P>,
  problem: P & Precision,
  capabilities: Device['capabilities'],
  { name, tuned }: { name?: string; tuned?: string } = {},
): Variant<P> {
  const find = (wanted: string | undefined) => spec.variants.find((variant) => variant.name === wanted);
  const verdict = (variant: Variant<P> | undefined) =>
    variant?.supports(capabilities, problem) ?? 'there is no such variant';
  if (name !== undefined) {
    const variant = find(name);
    const why = verdict(variant);
    if (variant && why === true) return variant;
    const known = spec.variants.map((candidate) => candidate.name).join(', ');
    throw new ClozeError(
      'option',
      `kernel ${spec.name} cannot use variant ${name}: ${why}`,
      `Known: ${known}`,
    );
  }
  for (const variant of [find(tuned), find(spec.choose?.(capabilities, problem))]) {
    if (variant && verdict(variant) === true) return variant;
  }
  for (let i = spec.variants.length - 1; i >= 0; i--) {
    if (spec.variants[i].supports(capabilities, problem) === true) return spec.variants[i];
  }
  throw new ClozeError('gpu', `kernel ${spec.name} has no variant for this adapter and problem`);
}

/** What the pipeline cache needs to compile a variant. */
export function pipelineRequest<P>(
  spec: KernelSpec<P>,
  variant: Variant<P>,
  problem: P & Precision,
  capabilities: Device['capabilities'],
): PipelineRequest {
  return {
    label: `${spec.name}/${variant.name}`,
    code: variant.source(problem, capabilities),
    access: activeBindings(spec, problem).map((binding) => binding.access),
    uniform: Object.keys(spec.params).length > 0,
  };
}

function packParams<P>(spec: KernelSpec<P>, problem: P): Uint32Array {
  const fields = Object.entries(spec.params);
  const words = new DataView(new ArrayBuffer(4 * fields.length));
  const values = spec.values(problem);
  fields.forEach(([name, type], i) => {
    const value = values[name];
    if (type === 'f32') words.setFloat32(4 * i, value, true);
    else if (type === 'i32') words.setInt32(4 * i, value, true);
    else words.setUint32(4 * i, value, true);
  });
  return new Uint32Array(words.buffer);
}
