/** The folder of a run: its name, and who may write there. */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ClozeError } from '../gpu/errors.ts';
import { ioError, unlessMissing } from '../mlm/data/files.node.ts';

/** The options that a run was started with, in the form of a config file. */
export const optionsFile = 'options.json';

/** runs/ and the name of the first source: `runs/stories`, `runs/shakespeare`, `runs/synthetic-clock`. */
export function defaultFolder(data: readonly string[] = ['stories']): string {
  const name = basename(data[0].replace(/[/\\*]+$/, ''))
    .replace(/\.\w+$/, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return `runs/${name || 'run'}`;
}

/**
 * Whether a run that writes to `out` goes on from a checkpoint there. With `resume`, a run that was killed before its
 * first checkpoint starts again. Throws `option` when the folder holds anything but a run, or a run that is
 * neither to be resumed nor, with `force`, replaced; `checkpoint` when there is nothing to resume.
 */
export async function checkFolder(
  out: string,
  { resume, force }: { resume?: boolean; force?: boolean },
): Promise<boolean> {
  const names = await list(out);
  if (names.length === 0) {
    if (!resume) return false;
    throw new ClozeError('checkpoint', `there is no run in ${out}`, 'Check --out, or start without --resume');
  }
  if (!names.includes(optionsFile)) {
    throw new ClozeError('option', `${out} is not empty and holds no run of cloze`, 'Name another --out');
  }
  if (resume) return names.some((name) => /^checkpoint(\.cloze-old)?$/.test(name));
  if (force) return false;
  throw new ClozeError(
    'option',
    `${out} holds a run`,
    'Go on with it by --resume, replace it by --force, or name another --out',
  );
}

const runFiles =
  /^(checkpoint|best)(\.cloze-\S+)?$|^(config|options|tokenizer|tuning)\.json$|^model\.safetensors$|^metrics\.jsonl$/;

/** Removes what an earlier run left in `out`, and nothing else. */
export async function clearRun(out: string): Promise<void> {
  const names = await list(out);
  for (const name of names.filter((name) => runFiles.test(name))) {
    await rm(join(out, name), { recursive: true });
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await unlessMissing(readdir(folder))) ?? [];
  } catch (error) {
    throw ioError('read', folder, error);
  }
}
