/** Opens an adapter and, on it, a model folder; both are closed when the work is done. */
import type { Engine } from '../autograd/index.ts';
import type { AnyModel } from '../mlm/anyModel.ts';
import type { FileReader, Pretrained, Trained } from '../mlm/pretrained.ts';
import { percent } from './format.ts';

/** Runs `work` with an engine on the adapter that the user chose. */
export async function withEngine<T>(
  { adapter }: { adapter?: string },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const { Engine } = await import('../autograd/index.ts');
  const engine = await Engine.open({ adapter });
  try {
    return await work(engine);
  } finally {
    engine.close();
  }
}

interface ModelFlags {
  model: string;
  adapter?: string;
}

/** Runs `work` with the language model in the folder or zip `model`. */
export async function withModel<T>(
  flags: ModelFlags,
  work: (pretrained: Pretrained) => Promise<T>,
): Promise<T> {
  const { loadPretrained } = await import('../mlm/pretrained.ts');
  return withLoaded(flags, loadPretrained, work);
}

/** Runs `work` with the model in the folder or zip `model` as its objective built it. */
export async function withTrained<T>(flags: ModelFlags, work: (trained: Trained) => Promise<T>): Promise<T> {
  const { loadTrained } = await import('../mlm/pretrained.ts');
  return withLoaded(flags, loadTrained, work);
}

/** Runs `work` with the model in the folder or zip `model`, of whatever kind. */
export async function withAny<T>(flags: ModelFlags, work: (model: AnyModel) => Promise<T>): Promise<T> {
  const { loadAny } = await import('../mlm/anyModel.ts');
  return withLoaded(flags, loadAny, work);
}

async function withLoaded<M, T>(
  { model, adapter }: ModelFlags,
  load: (engine: Engine, read: FileReader, folder: string) => Promise<M>,
  work: (loaded: M) => Promise<T>,
): Promise<T> {
  const read = await modelReader(model);
  return withEngine({ adapter }, async (engine) => work(await load(engine, read, model)));
}

/** Reads the files of a model: of a folder, of a zip as the page saves it, or of the Hugging Face hub. */
export async function modelReader(model: string): Promise<FileReader> {
  if (model.startsWith('hf://')) {
    const { openHubModel } = await import('../mlm/interchange/hub.node.ts');
    const { progressLines } = await import('./progress.ts');
    const { stdin, stderr } = process;
    const lines = progressLines({ stdin, stdout: stderr, stderr });
    return openHubModel(model, {
      progress: (share, what) => lines.update(share, `${what}: ${percent(share)}`),
      tell: (line) => lines.say(line),
    });
  }
  if (/\.zip$/i.test(model)) {
    const { readFileBytes } = await import('../mlm/data/files.node.ts');
    const { unpackModel } = await import('../mlm/storage/archive.ts');
    return unpackModel(await readFileBytes(model), model);
  }
  const { FolderStore } = await import('../mlm/storage/folder-store.node.ts');
  const folder = new FolderStore(model);
  return (name) => folder.readBytes(name);
}
