/** A task's model as a folder in Hugging Face's form, and how it is made of the folder of a pre-trained one. */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import { loadStateDict, parseSafetensors, type Slab, stateDict } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { type FileReader, readDescription, readWeights } from '../pretrained.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { materializeTask } from './finetune.ts';
import { taskNamed } from './index.ts';
import { type TaskModel, taskConfig, taskModel } from './model.ts';
import type { Task } from './task.ts';

export interface LoadedTask {
  trainee: TaskModel;
  slab: Slab;
}

/**
 * A model for `task` with the body in a folder, and a head that is new. Tensors of other heads are left aside. Throws ClozeError `format` naming
 * every tensor of the body that is missing or of another shape.
 */
export async function startFromFolder(
  engine: Engine,
  read: FileReader,
  folder: string,
  { task, labels, seed, scratch }: { task: Task; labels: readonly string[]; seed: number; scratch?: boolean },
): Promise<LoadedTask> {
  const { config, tokenizer } = await readDescription(read, folder);
  const started = startAnew(engine, { task, labels, seed, config, tokenizer });
  if (scratch) return started;
  const { tensors } = parseSafetensors(await readWeights(read, folder), `${folder}/model.safetensors`);
  const all = await stateDict(started.slab);
  for (const name of all.keys()) {
    if (name.startsWith('bert.') && !name.startsWith('bert.pooler.')) all.delete(name);
  }
  for (const [name, tensor] of tensors) if (name.startsWith('bert.')) all.set(name, tensor);
  loadStateDict(started.slab, all, {
    ignore: (name) => /^bert\.(pooler\.|embeddings\.position_ids$)/.test(name),
  });
  return started;
}

/** A model for `task` that knows nothing yet. */
export function startAnew(
  engine: Engine,
  parts: { task: Task; labels: readonly string[]; seed: number; config: BertConfig; tokenizer: Tokenizer },
): LoadedTask {
  const { task, labels, seed, config, tokenizer } = parts;
  const trainee = taskModel(task, taskConfig(task, config, labels), tokenizer);
  return { trainee, slab: materializeTask(trainee, engine, seed) };
}

/**
 * The model of a task in a folder. One that was not trained here is a classifier or finds entities, as `architectures` says. Throws ClozeError
 * `input` for a model of no task, `format` naming every tensor that is missing, left over or of another shape.
 */
export async function loadTask(engine: Engine, read: FileReader, folder: string): Promise<LoadedTask> {
  const { config, tokenizer } = await readDescription(read, folder);
  const trainee = taskModel(taskOf(config, folder), config, tokenizer);
  const slab = materializeTask(trainee, engine, 0);
  const { tensors } = parseSafetensors(await readWeights(read, folder), `${folder}/model.safetensors`);
  loadStateDict(slab, tensors, { ignore: (name) => name === 'bert.embeddings.position_ids' });
  return { trainee, slab };
}

const byArchitecture: Readonly<Record<string, string>> = {
  BertForSequenceClassification: 'classification',
  BertForTokenClassification: 'ner',
};

function taskOf({ task, architectures }: BertConfig, folder: string): Task {
  const name =
    typeof task === 'string' ? task : byArchitecture[String((architectures as string[] | undefined)?.[0])];
  if (name) return taskNamed(name);
  throw new ClozeError(
    'input',
    `${folder} is the model of no task`,
    'Name a folder that `cloze finetune` wrote',
  );
}
