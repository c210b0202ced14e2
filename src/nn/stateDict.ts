/** A model's weights as named tensors, the way checkpoints store them, and back. */
import type { Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import type { Slab } from './slab.ts';
import { type StoredTensor, storedTensor, toFloat32 } from './stored.ts';

/** Where a file holds a parameter. */
export interface StoredPlace {
  name: string;
  /** Where several parameters of one shape lie one after the other in a tensor: which of how many this is. */
  part?: readonly [index: number, count: number];
}

export interface StateDictOptions {
  /** Where the file holds a parameter; by default under its own name. */
  place?: (name: string) => StoredPlace;
}

export interface LoadOptions extends StateDictOptions {
  /** Whether a tensor that the model does not know is let pass; by default none is. */
  ignore?: (name: string) => boolean;
}

/** A parameter's full name and its shape; a slab and a model without memory both give such. */
type Parameters = Iterable<readonly [name: string, { readonly shape: readonly number[] }]>;

/** Reads all parameters back: float32 tensors by their full names, or as `place` says. */
export async function stateDict(
  slab: Slab,
  { place }: StateDictOptions = {},
): Promise<Map<string, StoredTensor>> {
  const values = await slab.read();
  const tensors = new Map<string, StoredTensor>();
  for (const [own, { shape }] of slab.allParameters()) {
    const { name, part = [0, 1] } = place?.(own) ?? { name: own };
    const [index, count] = part;
    if (count === 1) tensors.set(name, storedTensor(values.get(own)!, shape));
    else {
      const whole = tensors.get(name) ?? emptyTensor(count, shape);
      (toFloat32(whole) as Float32Array).set(values.get(own)!, (index * whole.bytes.byteLength) / 4 / count);
      tensors.set(name, whole);
    }
  }
  return tensors;
}

/** Room for `count` parameters of a shape, one after the other along the first axis. */
function emptyTensor(count: number, [rows, ...rest]: readonly number[]): StoredTensor {
  const shape = [count * rows, ...rest];
  return storedTensor(new Float32Array(shape.reduce((product, axis) => product * axis, 1)), shape);
}

/**
 * Fills the parameters of a model from named tensors of type F32, F16, BF16 or F64. A tensor that the model does not
 * know is an error unless `ignore` says otherwise. `flat` fills other segments of the same layout instead, such as
 * moments. Throws `format` naming every tensor that is missing, unknown, of another shape or of another type; the model
 * is then left as it was.
 */
export function loadStateDict(
  slab: Slab,
  tensors: ReadonlyMap<string, StoredTensor>,
  { flat, ...options }: LoadOptions & { flat?: readonly Tensor[] } = {},
): void {
  slab.write(matchStateDict(flat ? slab.parameters() : slab.allParameters(), tensors, options), flat);
}

/** The values of each parameter, out of named tensors. Throws what {@link loadStateDict} throws. */
export function matchStateDict(
  parameters: Parameters,
  tensors: ReadonlyMap<string, StoredTensor>,
  { place, ignore }: LoadOptions = {},
): Map<string, Float32Array> {
  const unknown = new Set(tensors.keys());
  const missing = new Set<string>();
  const unfit = new Set<string>();
  const values = new Map<string, Float32Array>();
  for (const [own, { shape }] of parameters) {
    const { name, part = [0, 1] } = place?.(own) ?? { name: own };
    const [index, count] = part;
    const whole = count === 1 ? shape : [count * shape[0], ...shape.slice(1)];
    const tensor = tensors.get(name);
    unknown.delete(name);
    if (!tensor) {
      missing.add(name);
    } else if (tensor.shape.join() !== whole.join()) {
      unfit.add(`${name} is [${tensor.shape.join(', ')}] and the model needs [${whole.join(', ')}]`);
    } else {
      try {
        values.set(own, toFloat32(partOf(tensor, index, count)));
      } catch (error) {
        unfit.add(`${name}: ${(error as Error).message}`);
      }
    }
  }
  const extra = [...unknown].filter((name) => !ignore?.(name));
  const complaints = [
    ...(missing.size > 0 ? [`missing: ${[...missing].join(', ')}`] : []),
    ...(extra.length > 0 ? [`unknown to the model: ${extra.join(', ')}`] : []),
    ...unfit,
  ];
  if (complaints.length === 0) return values;
  throw new ClozeError(
    'format',
    `the tensors do not fit the model; ${complaints.join('; ')}`,
    'Check that config.json belongs to these weights',
  );
}

/** One of `count` equal parts of a tensor, of a shape that does not matter. */
function partOf({ dtype, bytes }: StoredTensor, index: number, count: number): StoredTensor {
  const length = bytes.byteLength / count;
  return { dtype, shape: [], bytes: bytes.subarray(index * length, (index + 1) * length) };
}
