/** The weights in a folder in Hugging Face's form: model.safetensors, or shards with an index beside them. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import {
  loadStateDict,
  type Module,
  matchStateDict,
  parseSafetensors,
  type Slab,
  type StoredTensor,
  serializeSafetensors,
  stateDict,
} from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { familyOf, withCurrentNames } from './family.ts';
import { type FileReader, parseJsonFile } from './files.ts';

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

const indexSchema = v.looseObject({ weight_map: v.record(v.string(), v.string()) });

/**
 * All tensors of a folder by the names in its files. Throws `input` when there are none, `format` naming the file that is broken, or all
 * that the index promises and its files do not hold.
 */
export async function readTensors(read: FileReader, folder: string): Promise<Map<string, StoredTensor>> {
  const whole = await read(single);
  if (whole) return parseSafetensors(whole, `${folder}/${single}`).tensors;
  const list = await read(index);
  if (list) return readShards(read, folder, parseIndex(list, `${folder}/${index}`));
  const pickled = await read('pytorch_model.bin');
  throw new ClozeError(
    'input',
    `${folder} has no ${single}${pickled ? ', only a pytorch_model.bin, which may run code when it is read' : ''}`,
    pickled
      ? 'Save it again in PyTorch with safe_serialization=True'
      : 'Name a folder that `cloze train` or Hugging Face wrote',
  );
}

function parseIndex(bytes: Uint8Array, name: string): Record<string, string> {
  const result = v.safeParse(indexSchema, parseJsonFile(bytes, name));
  if (result.success) return result.output.weight_map;
  throw new ClozeError('format', `${name} has no weight_map from tensors to files`, 'Fetch it again');
}

async function readShards(
  read: FileReader,
  folder: string,
  places: Record<string, string>,
): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  const complaints: string[] = [];
  for (const file of [...new Set(Object.values(places))].sort()) {
    const bytes = await read(file);
    if (!bytes) complaints.push(`there is no ${file}`);
    else {
      const shard = parseSafetensors(bytes, `${folder}/${file}`).tensors;
      const promised = Object.keys(places).filter((name) => places[name] === file);
      const absent = promised.filter((name) => !shard.has(name));
      if (absent.length > 0) complaints.push(`${file} lacks ${absent.join(', ')}`);
      for (const [name, tensor] of shard) {
        if (tensors.has(name)) complaints.push(`${file} holds ${name} once more`);
        tensors.set(name, tensor);
      }
    }
  }
  if (complaints.length === 0) return tensors;
  throw new ClozeError('format', `${folder}: ${complaints.join('; ')}`, 'Fetch the missing files again');
}

/**
 * Fills a model from a folder. With `only`, the parameters for which it is true, by our names; the others, those of a head above all,
 * stay as they are, as does a pooler or a head that the folder lacks. Throws `input` when there are no weights, `format` naming
 * all tensors at once, by the names in the files, that are missing, unknown, or of another shape or type.
 */
export async function loadWeights(
  slab: Slab,
  config: BertConfig,
  read: FileReader,
  folder: string,
  only?: (name: string) => boolean,
): Promise<void> {
  const family = familyOf(config);
  const { place, prefix, ignored } = family;
  const tensors = withCurrentNames(await readTensors(read, folder), family);
  if (!only) return loadStateDict(slab, tensors, { place, ignore: (name) => ignored.test(name) });
  const all = await stateDict(slab, { place });
  for (const [own] of slab.allParameters()) {
    if (only(own) && /^bert\.(?!pooler\.)/.test(own)) all.delete(place(own).name);
  }
  const taken = new Set(
    [...slab.allParameters()].filter(([own]) => only(own)).map(([own]) => place(own).name),
  );
  for (const [name, tensor] of tensors) if (taken.has(name) || name.startsWith(prefix)) all.set(name, tensor);
  loadStateDict(slab, all, { place, ignore: (name) => ignored.test(name) });
}

/** The values of a model's parameters out of a folder, without a GPU. Throws what {@link loadWeights} throws. */
export async function readParameters(
  model: Module,
  config: BertConfig,
  read: FileReader,
  folder: string,
): Promise<Map<string, Float32Array>> {
  const family = familyOf(config);
  const tensors = withCurrentNames(await readTensors(read, folder), family);
  const { place, ignored } = family;
  return matchStateDict(model.namedParameters(), tensors, { place, ignore: (name) => ignored.test(name) });
}

/**
 * The weights as model.safetensors, by the names that the model's family has; `format: pt` is what older loaders insist on. Tied weights are
 * stored once, as Hugging Face does.
 */
export async function weightsFile(slab: Slab, config: BertConfig): Promise<Uint8Array> {
  return serializeSafetensors(await stateDict(slab, familyOf(config)), { format: 'pt' });
}
