/** The files of a model, wherever they lie. */
import { ClozeError } from '../../gpu/errors.ts';

/** Reads one file of a folder; undefined when there is none. */
export type FileReader = (name: string) => Promise<Uint8Array | undefined>;

/** A file of `folder` that must be there. Throws `input` when it is not. */
export async function needFile(read: FileReader, folder: string, name: string): Promise<Uint8Array> {
  const bytes = await read(name);
  if (bytes) return bytes;
  throw new ClozeError(
    'input',
    `${folder} has no ${name}`,
    'Name a folder that `cloze train` or Hugging Face wrote',
  );
}

/** The content of a JSON file. Throws `format` naming it when it is none. */
export function parseJsonFile(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ClozeError('format', `${name} is not JSON: ${(error as Error).message}`);
  }
}
