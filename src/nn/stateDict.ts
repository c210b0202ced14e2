/** A model's weights as named tensors, the way checkpoints store them, and back. */
import type { Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import type { Slab } from './slab.ts';
import { type StoredTensor, storedTensor, toFloat32 } from './stored.ts';

/** Reads all parameters back: float32 tensors by their full names. */
export async function stateDict(slab: Slab): Promise<Map<string, StoredTensor>> {
  const values = await slab.read();
  return new Map(
    [...slab.allParameters()].map(([name, { shape }]) => [name, storedTensor(values.get(name)!, shape)]),
  );
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
  options: { ignore?: (name: string) => boolean; flat?: readonly Tensor[] } = {},
): void {
  const unknown = new Set(tensors.keys());
  const missing: string[] = [];
  const unfit: string[] = [];
  const values = new Map<string, Float32Array>();
  for (const [name, { shape }] of options.flat ? slab.parameters() : slab.allParameters()) {
    const tensor = tensors.get(name);
    unknown.delete(name);
    if (!tensor) {
      missing.push(name);
    } else if (tensor.shape.join() !== shape.join()) {
      unfit.push(`${name} is [${tensor.shape.join(', ')}] and the model needs [${shape.join(', ')}]`);
    } else {
      try {
        values.set(name, toFloat32(tensor));
      } catch (error) {
        unfit.push(`${name}: ${(error as Error).message}`);
      }
    }
  }
  const extra = [...unknown].filter((name) => !options.ignore?.(name));
  const complaints = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(extra.length > 0 ? [`unknown to the model: ${extra.join(', ')}`] : []),
    ...unfit,
  ];
  if (complaints.length > 0) {
    throw new ClozeError(
      'format',
      `the tensors do not fit the model; ${complaints.join('; ')}`,
      'Check that config.json belongs to these weights',
    );
  }
  slab.write(values, options.flat);
}
