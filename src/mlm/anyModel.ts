/** A model folder of whatever kind: a language model or what an objective built, or the model of a task. */
import type { Engine } from '../autograd/index.ts';
import { BertForMaskedLM } from './bert/heads.ts';
import type { Embedder } from './embed.ts';
import type { Trainee } from './objectives/objective.ts';
import { type FileReader, loadTrained, type Pretrained, readDescription } from './pretrained.ts';
import { isTaskConfig, loadTask } from './tasks/folder.ts';
import type { FinetuneOptions } from './tasks/options.ts';
import type { TaskModel } from './tasks/task.ts';

export interface AnyModel extends Embedder {
  trainee: Trainee;
  /** Where it has a head over the vocabulary. */
  language?: Pretrained;
  /** Where it was fine-tuned, with the options of the run if it is one of cloze. */
  task?: { trainee: TaskModel; options?: FinetuneOptions };
}

/** Throws `input` when a file is missing, `format` when one is broken, naming it. */
export async function loadAny(engine: Engine, read: FileReader, folder: string): Promise<AnyModel> {
  const { config } = await readDescription(read, folder);
  if (isTaskConfig(config)) {
    const { trainee, options } = await loadTask(engine, read, folder);
    const { model, config, tokenizer } = trainee;
    return { engine, model, config, tokenizer, trainee, task: { trainee, options } };
  }
  const { trainee, slab, tokenizer } = await loadTrained(engine, read, folder);
  const { model, config: own } = trainee;
  const language = model instanceof BertForMaskedLM ? { config: own, model, slab, tokenizer } : undefined;
  return { engine, model, config: own, tokenizer, trainee, language };
}
