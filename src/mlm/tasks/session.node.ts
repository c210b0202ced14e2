/** What fine-tuning starts from: the examples in files, and the model that options ask for. */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/errors.ts';
import { presetConfig } from '../bert/config.ts';
import { readFileText } from '../data/files.node.ts';
import type { FileReader } from '../interchange/files.ts';
import { FolderStore } from '../storage/folder-store.node.ts';
import { trainTokenizer } from '../tokenizer/index.ts';
import { divide, type TaskData } from './examples.ts';
import { type LoadedTask, startAnew, startFromFolder } from './folder.ts';
import type { FinetuneOptions } from './options.ts';
import { lengthOf } from './rows.ts';
import type { Task, TaskExample } from './task.ts';

/**
 * The examples in a file, or those that the task makes: `generated`, or `generated:500` for so many, by default 2,000. Throws
 * ClozeError `io` or, naming the line, `input`.
 */
export async function readExamples(task: Task, path: string): Promise<TaskExample[]> {
  const asked = /^generated(?::(\d+))?$/.exec(path);
  if (asked && task.generate) return task.generate(Number(asked[1] ?? 2000), 0);
  if (asked)
    throw new ClozeError('option', `the task ${task.name} has no examples of its own`, 'Name a file');
  return task.parse(await readFileText(path), path);
}

/** The examples of the files that the options name, divided as they say. */
export async function readTaskData(task: Task, options: FinetuneOptions): Promise<TaskData> {
  const { data, development } = options;
  const examples = await readExamples(task, data);
  const held = development === undefined ? undefined : await readExamples(task, development);
  return divide(examples, held, options, task.together);
}

/** The model that the options ask for: with the body in a folder, which `read` reads, or a new one with a tokenizer made of the examples. */
export async function startTask(
  engine: Engine,
  task: Task,
  { known, train }: TaskData,
  options: FinetuneOptions,
  read?: FileReader,
): Promise<LoadedTask> {
  const { model, preset, vocabSize, seqLen } = options;
  const start = { ...options, task, known };
  if (model !== undefined) return startFromFolder(engine, read ?? readerOf(model), model, start);
  const corpus = train.flatMap(({ text, pair, labels }) => [
    text,
    ...(pair === undefined ? [] : [pair]),
    ...(task.writes ? labels : []),
  ]);
  const tokenizer = await trainTokenizer({ kind: task.writes ? 'bpe' : 'wordpiece', corpus, vocabSize });
  const config = presetConfig(preset, {
    vocab_size: tokenizer.vocabSize,
    norm_position: 'pre',
    position_embedding_type: 'rotary',
  });
  const body = { ...config, max_position_embeddings: lengthOf(config, seqLen) };
  return startAnew(engine, body, tokenizer, start);
}

function readerOf(model: string): FileReader {
  const folder = new FolderStore(model);
  return (name) => folder.readBytes(name);
}
