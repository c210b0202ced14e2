/**
 * Parameters and gradients of a model in flat memory: one segment per group of parameters (those that decay, those
 * that do not), so that clipping, AdamW and checkpoints take a handful of dispatches and copies however many
 * parameters there are. Each parameter is a slice of its segment.
 */
import type { Engine, Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { Random } from '../kernels/index.ts';
import type { Module, Parameter } from './module.ts';

/** A run of parameters that are treated alike. */
export interface Segment {
  readonly group: string;
  /** All values, flat. */
  readonly values: Tensor;
  /** All gradients, flat, in the same places. */
  readonly gradients: Tensor;
  readonly slots: readonly Slot[];
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

/** Elements between slots: bindings start at multiples of 256 bytes, those of f16 copies too. */
const ALIGNMENT = 128;

export interface MaterializeOptions {
  /** Seed of the first values. */
  seed?: number;
  /** The group of a parameter; default `decay` or `no-decay`. */
  groupOf?: (name: string, parameter: Parameter) => string;
}

export class Slab {
  readonly engine: Engine;
  readonly segments: readonly Segment[];

  constructor(engine: Engine, segments: readonly Segment[]) {
    this.engine = engine;
    this.segments = segments;
  }

  /** Number of trainable values. */
  get size(): number {
    let total = 0;
    for (const [, parameter] of this.parameters()) total += parameter.size;
    return total;
  }

  *parameters(): Generator<[string, Parameter]> {
    for (const segment of this.segments) for (const slot of segment.slots) yield [slot.name, slot.parameter];
  }

  /** Sets every gradient to zero. */
  zeroGrad(): void {
    for (const { gradients } of this.segments) this.engine.device.clear(gradients.view);
  }

  /** Reads flat segments (values, gradients, or a moment) back and cuts them into named arrays. */
  async read(
    flat: readonly Tensor[] = this.segments.map((segment) => segment.values),
  ): Promise<Map<string, Float32Array>> {
    const named = new Map<string, Float32Array>();
    const contents = await Promise.all(flat.map((tensor) => tensor.data()));
    this.segments.forEach((segment, i) => {
      for (const { name, parameter, offset } of segment.slots) {
        named.set(name, (contents[i] as Float32Array).subarray(offset, offset + parameter.size));
      }
    });
    return named;
  }

  /** Writes named arrays into flat segments. Every parameter must be there. Throws `checkpoint` or `shape`. */
  write(
    named: ReadonlyMap<string, ArrayLike<number>>,
    flat: readonly Tensor[] = this.segments.map((segment) => segment.values),
  ): void {
    this.segments.forEach((segment, i) => {
      const content = new Float32Array(flat[i].size);
      for (const { name, parameter, offset } of segment.slots) {
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
      flat[i].write(content);
    });
  }

  dispose(): void {
    for (const [, parameter] of this.parameters()) {
      parameter.value.grad?.dispose();
      parameter.value.dispose();
    }
    for (const { values, gradients } of this.segments) {
      values.dispose();
      gradients.dispose();
    }
  }
}

/** Gives every parameter of a model its memory and its first values: a pure function of the seed and the name. */
export function materialize(model: Module, engine: Engine, options: MaterializeOptions = {}): Slab {
  const { seed = 0, groupOf = decayGroup } = options;
  const groups = new Map<string, [string, Parameter][]>();
  for (const [name, parameter] of model.namedParameters()) {
    const group = groupOf(name, parameter);
    groups.set(group, [...(groups.get(group) ?? []), [name, parameter]]);
  }
  const limit = engine.device.capabilities.limits.maxStorageBufferBindingSize / 4;
  const segments: Segment[] = [];
  for (const [group, members] of groups) {
    for (const slots of pack(members, limit)) segments.push(makeSegment(engine, group, slots, seed));
  }
  const slab = new Slab(engine, segments);
  slab.zeroGrad();
  return slab;
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

function makeSegment(engine: Engine, group: string, slots: Slot[], seed: number): Segment {
  const last = slots[slots.length - 1];
  const length = Math.ceil((last.offset + last.parameter.size) / ALIGNMENT) * ALIGNMENT;
  // First values cost seconds for a large model, and a device that computes nothing has no use for them.
  const content = engine.device.dry ? undefined : new Float32Array(length);
  const values = engine.keep(engine.empty([length]));
  const gradients = engine.keep(engine.empty([length]));
  for (const { name, parameter, offset } of slots) {
    if (content) {
      const random = new Random(seed, hashName(parameter.drawsAs(name)));
      parameter.init(content.subarray(offset, offset + parameter.size), random, parameter.shape);
    }
    parameter.value = slice(engine, values, parameter, offset).requireGrad();
    parameter.value.grad = slice(engine, gradients, parameter, offset);
  }
  if (content) values.write(content);
  return { group, values, gradients, slots };
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
