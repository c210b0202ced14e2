/** A task's model as a folder in Hugging Face's form, and how it is made of the folder of a pre-trained one. */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import { loadStateDict, mergeLora, type Slab, stateDict } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import {
  descriptionFiles,
  type FileReader,
  loadWeights,
  readDescription,
  weightsFile,
} from '../pretrained.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { historyFile } from './continual.ts';
import { isPretrained, type LearningOptions, materializeTask } from './finetune.ts';
import { taskNamed, tasks } from './index.ts';
import { type FinetuneOptions, parseFinetuneOptions } from './options.ts';
import type { Task, TaskExample, TaskModel } from './task.ts';

export interface LoadedTask {
  trainee: TaskModel;
  slab: Slab;
}

/** What a new model for a task is made of besides its body. */
export interface TaskStart
  extends Partial<LearningOptions & Pick<FinetuneOptions, 'seed' | 'scratch' | 'pooling'>> {
  task: Task;
  /** What it is to learn from, for what its head needs. */
  known: readonly TaskExample[];
}

/** How the folder was made: the options of `finetune`, where that wrote it. */
export const finetuneFile = 'finetune.json';

/**
 * A model for a task with the body in a folder, and a head that is new, or that of the folder where the task writes. Tensors of other
 * heads are left aside. Throws ClozeError `format` naming
 * every tensor of the body that is missing or of another shape.
 */
export async function startFromFolder(
  engine: Engine,
  read: FileReader,
  folder: string,
  start: TaskStart,
): Promise<LoadedTask> {
  const { config, tokenizer } = await readDescription(read, folder);
  const started = startAnew(engine, config, tokenizer, start);
  if (start.scratch) return started;
  const inherits = (name: string) => start.task.writes === true && name.startsWith('cls.predictions.');
  const taken = (name: string) => isPretrained(name) || inherits(name);
  await loadWeights(started.slab, config, read, folder, taken);
  return started;
}

/** A model for a task that knows nothing yet. */
export function startAnew(
  engine: Engine,
  body: BertConfig,
  tokenizer: Tokenizer,
  start: TaskStart,
): LoadedTask {
  const { task, known } = start;
  const own = task.configure(pooled(body, start), known, tokenizer);
  const config = { ...own, architectures: [task.architecture], task: task.name };
  const trainee = task.build(config, tokenizer);
  return { trainee, slab: materializeTask(trainee, engine, start) };
}

/** What a body's config says once a whole text is told from its tokens in another way. Throws ClozeError `option` for a task without whole texts. */
function pooled(body: BertConfig, { task, pooling }: TaskStart): BertConfig {
  if (pooling === undefined) return body;
  if (task.architecture !== 'BertForSequenceClassification') {
    throw new ClozeError('option', `${task.name} has no one answer for a whole text`, 'Leave --pooling out');
  }
  // BERT's pooler reads first tokens alone.
  const head = pooling === 'mean' ? 'transform' : body.classifier_head;
  return { ...body, classifier_head: head, classifier_pooling: pooling };
}

/** The files of a fine-tuned model; adaptations are merged into the weights. */
export async function taskFiles(
  loaded: LoadedTask,
  options: FinetuneOptions,
): Promise<Record<string, string | Uint8Array>> {
  const { trainee, slab } = options.loraRank > 0 ? await merged(loaded, options) : loaded;
  return {
    ...descriptionFiles(trainee.config, trainee.tokenizer),
    'model.safetensors': await weightsFile(slab, trainee.config),
    [finetuneFile]: `${JSON.stringify(options, null, 2)}\n`,
  };
}

/** The same model without adaptations. */
async function merged(
  { trainee: { task, config, tokenizer }, slab }: LoadedTask,
  { loraRank: rank, loraAlpha: alpha }: LearningOptions,
): Promise<LoadedTask> {
  const plain = task.build(config, tokenizer);
  const memory = materializeTask(plain, slab.engine);
  loadStateDict(memory, mergeLora(await stateDict(slab), { rank, alpha }));
  return { trainee: plain, slab: memory };
}

/**
 * The model of a task in a folder, and the options of the run that wrote it, if one of cloze did. Throws ClozeError `input` for a model
 * of no task, `format` naming every tensor that is missing, left over or of another shape.
 */
export async function loadTask(
  engine: Engine,
  read: FileReader,
  folder: string,
): Promise<LoadedTask & { options?: FinetuneOptions }> {
  const { config, tokenizer } = await readDescription(read, folder);
  const trainee = taskOf(config, folder).build(config, tokenizer);
  const slab = materializeTask(trainee, engine);
  await loadWeights(slab, config, read, folder);
  const run = await read(finetuneFile);
  return { trainee, slab, ...(run && { options: parseRun(run, `${folder}/${finetuneFile}`) }) };
}

/** Whether a config is that of a task's model. */
export function isTaskConfig({ task, architectures }: BertConfig): boolean {
  return typeof task === 'string' || byArchitecture(architectures) !== undefined;
}

/** The first task of those whose models have the architecture: one that was not trained here says no more. */
function byArchitecture(architectures: unknown): Task | undefined {
  const [name] = Array.isArray(architectures) ? architectures : [];
  return tasks.find(({ architecture }) => architecture === name);
}

function taskOf({ task, architectures }: BertConfig, folder: string): Task {
  const found = typeof task === 'string' ? taskNamed(task) : byArchitecture(architectures);
  if (found) return found;
  throw new ClozeError(
    'input',
    `${folder} is the model of no task`,
    'Name a folder that `cloze finetune` wrote',
  );
}

function parseRun(bytes: Uint8Array, source: string): FinetuneOptions {
  return parseKept(bytes, source, (options) => parseFinetuneOptions(options));
}

/** The runs before the last one of a model that went on learning; none where it did not. Throws ClozeError `format` for a broken file. */
export async function readHistory(read: FileReader, folder: string): Promise<FinetuneOptions[]> {
  const bytes = await read(historyFile);
  if (!bytes) return [];
  return parseKept(bytes, `${folder}/${historyFile}`, (runs) =>
    (runs as unknown[]).map((options) => parseFinetuneOptions(options)),
  );
}

/** What a run left as JSON for the next one. */
function parseKept<T>(bytes: Uint8Array, source: string, parse: (value: unknown) => T): T {
  try {
    return parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    throw new ClozeError('format', `${source}: ${(error as Error).message}`, 'Correct or remove it');
  }
}
