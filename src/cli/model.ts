/** Opens an adapter and, on it, a model folder; both are closed when the work is done. */
import type { Engine } from '../autograd/index.ts';
import type { Pretrained } from '../mlm/pretrained.ts';

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

/** Runs `work` with the model in the folder `model`. */
export async function withModel<T>(
  { model, adapter }: { model: string; adapter?: string },
  work: (pretrained: Pretrained) => Promise<T>,
): Promise<T> {
  const { FolderStore } = await import('../mlm/folder-store.node.ts');
  const { loadPretrained } = await import('../mlm/pretrained.ts');
  const folder = new FolderStore(model);
  return withEngine({ adapter }, async (engine) =>
    work(await loadPretrained(engine, (name) => folder.readBytes(name), model)),
  );
}
