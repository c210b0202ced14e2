/** A model folder as one zip, to be downloaded and handed on: the files that {@link loadPretrained} and Hugging Face read. */
import { unzipSync, type Zippable, zipSync } from 'fflate';
import { ClozeError } from '../../gpu/errors.ts';
import type { FileReader } from '../pretrained.ts';

/** Any fixed date, so that equal models make equal archives; zip counts from 1980. */
const mtime = '1980-01-02T12:00:00';

/** Packs files. Weights are stored as they are: numbers hardly compress. */
export function packModel(files: Readonly<Record<string, Uint8Array | string>>): Uint8Array {
  const entries: Zippable = {};
  for (const [name, data] of Object.entries(files)) {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
    entries[name] = [bytes, { level: name.endsWith('.safetensors') ? 0 : 6, mtime }];
  }
  return zipSync(entries);
}

/** Reads the files of a zip, in whatever folder inside they lie. `name` is what errors name. Throws `format` when it is none. */
export function unpackModel(zip: Uint8Array, name: string): FileReader {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(zip);
  } catch (cause) {
    throw new ClozeError('format', `${name} is no zip, or a broken one`, 'Save the model again', { cause });
  }
  const plain = new Map(Object.entries(files).map(([path, bytes]) => [path.split('/').pop(), bytes]));
  return async (file) => plain.get(file);
}
