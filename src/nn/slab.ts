/**
 * Parameters and gradients of a model in flat memory: one segment per group of parameters (those that decay, those
 * that do not), so that clipping, AdamW and checkpoints take a handful of dispatches and copies however many
 * parameters there are. Each parameter is a slice of its segment.
 */
import type { Engine, Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { Random } from '../kernels/index.ts';
import type { Module, Parameter } from './module.ts';

/** A run of parameters that stay as they are: they have no gradients, and no optimiser sees them. */
export interface FrozenSegment {
  readonly group: string;
  /** All values, flat. */
  readonly values: Tensor;
  readonly slots: readonly Slot[];
}

/** A run of parameters that learn, and are treated alike. */
export interface Segment extends FrozenSegment {
  /** All gradients, flat, in the same places. */
  readonly gradients: Tensor;
}

export interface Slot {
  readonly name: string;
  readonly parameter: Parameter;
  /** First element within the segment. */
  readonly offset: number;
}

/** The group of a parameter unless `materialize` is told otherwise. */
export function decayGroup(_name: string, { decays }: Parameter): string {
  return decays ? 'decay' : 'no-decay';
}

/** Whether the parameters of a group decay: all do but those whose name begins with `no-decay`. */
export function decays(group: string): boolean {
  return !group.startsWith('no-decay');
}

/** Elements between slots: bindings start at multiples of 256 bytes, those of f16 copies too. */
const ALIGNMENT = 128;

export interface MaterializeOptions {
  /** Seed of the first values. */
  seed?: number;
  /** The group of a parameter; default `decay` or `no-decay`. */
  groupOf?: (name: string, parameter: Parameter) => string;
  /** Whether a parameter stays as it is; default: none does. */
  freezes?: (name: string) => boolean;
}

export class Slab {
  readonly engine: Engine;
  readonly segments: readonly Segment[];
  readonly frozen: readonly FrozenSegment[];

  constructor(engine: Engine, segments: readonly Segment[], frozen: readonly FrozenSegment[] = []) {
    this.engine = engine;
    this.segments = segments;
    this.frozen = frozen;
  }

  /** Number of trainable values. */
  get size(): number {
    let total = 0;
    for (const [, parameter] of this.parameters()) total += parameter.size;
    return total;
  }

  /** Those that learn. */
  *parameters(): Generator<[string, Parameter]> {
    for (const segment of this.segments) for (const slot of segment.slots) yield [slot.name, slot.parameter];
  }

  /** Those that learn, then the frozen ones. */
  *allParameters(): Generator<[string, Parameter]> {
    for (const { slots } of this.all) for (const slot of slots) yield [slot.name, slot.parameter];
  }

  private get all(): readonly FrozenSegment[] {
    return [...this.segments, ...this.frozen];
  }

  /** Sets every gradient to zero. */
  zeroGrad(): void {
    for (const { gradients } of this.segments) this.engine.device.clear(gradients.view);
  }

  /**
   * Reads flat segments (gradients, or a moment) back and cuts them into named arrays; by default the values, those of
   * frozen parameters too.
   */
  async read(
    flat: readonly Tensor[] = this.all.map(({ values }) => values),
  ): Promise<Map<string, Float32Array>> {
    const named = new Map<string, Float32Array>();
    const contents = await Promise.all(flat.map((tensor) => tensor.data()));
    contents.forEach((content, i) => {
      for (const { name, parameter, offset } of this.all[i].slots) {
        named.set(name, (content as Float32Array).subarray(offset, offset + parameter.size));
      }
    });
    return named;
  }

  /** Writes named arrays into flat segments, as `read` takes them. Every parameter must be there. Throws `checkpoint` or `shape`. */
  write(
    named: ReadonlyMap<string, ArrayLike<number>>,
    flat: readonly Tensor[] = this.all.map(({ values }) => values),
  ): void {
    flat.forEach((tensor, i) => {
      const content = new Float32Array(tensor.size);
      for (const { name, parameter, offset } of this.all[i].slots) {
        const values = named.get(name);
        if (!values) throw new ClozeError('checkpoint', `tensor ${name} is missing`);
        if (values.length !== parameter.size) {
          throw new ClozeError(
            'shape',
            `tensor ${name} has ${values.length} values, the model needs ${parameter.size}`,
          );
        }
        content.set(values, offset);
      }
      tensor.write(content);
    });
  }

  dispose(): void {
    for (const [, parameter] of this.allParameters()) {
      parameter.value.grad?.dispose();
      parameter.value.dispose();
    }
    for (const { values } of this.all) values.dispose();
    for (const { gradients } of this.segments) gradients.dispose();
  }
}

/** Gives every parameter of a model its memory and its first values: a pure function of the seed and the name. */
export function materialize(model: Module, engine: Engine, options: MaterializeOptions = {}): Slab {
  const { seed = 0, groupOf = decayGroup, freezes = () => false } = options;
  const all = [...model.namedParameters()];
  const limit = engine.device.capabilities.limits.maxStorageBufferBindingSize / 4;
  const place = (members: readonly [string, Parameter][]) =>
    [...grouped(members, groupOf)].flatMap(([group, ones]) =>
      pack(ones, limit).map((slots) => placeValues(engine, group, slots, seed)),
    );
  const frozen = place(all.filter(([name]) => freezes(name)));
  const learning = place(all.filter(([name]) => !freezes(name)));
  const slab = new Slab(
    engine,
    learning.map((segment) => withGradients(engine, segment)),
    frozen,
  );
  slab.zeroGrad();
  return slab;
}

function grouped(
  members: readonly [string, Parameter][],
  groupOf: (name: string, parameter: Parameter) => string,
): Map<string, [string, Parameter][]> {
  const groups = new Map<string, [string, Parameter][]>();
  for (const [name, parameter] of members) {
    const group = groupOf(name, parameter);
    groups.set(group, [...(groups.get(group) ?? []), [name, parameter]]);
  }
  return groups;
}

/** Places parameters one after the other, opening a new segment before a binding would become too large. */
function pack(members: readonly [string, Parameter][], limit: number): Slot[][] {
  const packs: Slot[][] = [];
  let end = Number.POSITIVE_INFINITY;
  for (const [name, parameter] of members) {
    if (end + parameter.size > limit) {
      packs.push([]);
      end = 0;
    }
    packs[packs.length - 1].push({ name, parameter, offset: end });
    end += Math.ceil(parameter.size / ALIGNMENT) * ALIGNMENT;
  }
  return packs;
}

function placeValues(engine: Engine, group: string, slots: Slot[], seed: number): FrozenSegment {
  const last = slots[slots.length - 1];
  const length = Math.ceil((last.offset + last.parameter.size) / ALIGNMENT) * ALIGNMENT;
  // First values cost seconds for a large model, and a device that computes nothing has no use for them.
  const content = engine.device.dry ? undefined : new Float32Array(length);
  const values = engine.keep(engine.empty([length]));
  for (const { name, parameter, offset } of slots) {
    if (content) {
      const random = new Random(seed, hashName(parameter.drawsAs(name)));
      parameter.init(content.subarray(offset, offset + parameter.size), random, parameter.shape);
    }
    parameter.value = slice(engine, values, parameter, offset);
  }
  if (content) values.write(content);
  return { group, values, slots };
}

function withGradients(engine: Engine, segment: FrozenSegment): Segment {
  const gradients = engine.keep(engine.empty(segment.values.shape));
  for (const { parameter, offset } of segment.slots) {
    parameter.value.requireGrad().grad = slice(engine, gradients, parameter, offset);
  }
  return { ...segment, gradients };
}

function slice(engine: Engine, flat: Tensor, parameter: Parameter, offset: number): Tensor {
  return engine.keep(engine.share(flat.storage, parameter.shape, 'f32', 4 * offset));
}

/** FNV-1a over UTF-16 code units (Fowler, Noll and Vo): a stream number that depends on the name alone. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
