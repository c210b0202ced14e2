/**
 * What a downstream task is: how its files are read, what model it wants, how an example is put to that model, and how answers are
 * scored. Whatever is answered is a list of strings here, so that all else is the same: a label for a text, one for each of its words,
 * a number, a sentence.
 */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/errors.ts';
import type { BertConfig } from '../bert/config.ts';
import type { Batch } from '../data/batch.ts';
import type { BatchInputs } from '../data/batchInputs.ts';
import type { BatchLoss, Trainee } from '../objectives/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

export interface TaskExample {
  /** The text as it stands, or its words joined by blanks. */
  text: string;
  /** Where each word has a label: the words. */
  words?: readonly string[];
  /** A second text that belongs to the first. */
  pair?: string;
  /** The answer, or one for each word; empty where it is not known. */
  labels: readonly string[];
  /** Where each of the labels begins in the second text, in UTF-16 units, if they are parts of it. */
  starts?: readonly number[];
  /** For whoever has to find it: the file and the line. */
  where?: string;
}

/** Shares between 0 and 1 by the name of the metric; the first is the one to quote. */
export type TaskScores = Readonly<Record<string, number>>;

/** What is answered to an example, and how probable each of the answers is, where that is known. */
export interface TaskPrediction {
  labels: readonly string[];
  scores: readonly number[];
  /** Where a model chooses among {@link TaskModel.labels}: for each of the answers, the probability of every label. */
  probabilities?: readonly (readonly number[])[];
}

/** Examples as rows of batches; a long example may take several. */
export interface TaskRows {
  readonly size: number;
  /** The batch of these rows; -1 stands for an empty one. All batches have one shape. */
  batch(rows: Int32Array<ArrayBuffer>): Batch;
}

export interface RowOptions {
  /** Most tokens of a row; default 128, and of questions 384, or what the model reads. */
  seqLen?: number;
  /** By how many tokens the windows of a long text advance; default 128. */
  docStride?: number;
}

export interface PredictOptions extends RowOptions {
  /** Rows at once. */
  batchSize?: number;
  /** Where answers are written: how many beginnings are followed up, 1 for the likeliest alone, and the power of the length. */
  beams?: number;
  lengthPenalty?: number;
}

/** A trainee that also answers. It has no memory before `materialize`. */
export interface TaskModel extends Trainee {
  readonly task: Task;
  readonly tokenizer: Tokenizer;
  /** All that may be answered, where the model chooses among labels. */
  readonly labels?: readonly string[];
  /** Throws ClozeError `input` naming the first example with a label that is none of the model's. */
  check?(examples: readonly TaskExample[]): void;
  /** The loss with a share of the truth spread evenly over all that may be predicted, where there is such a thing. */
  smoothedLoss?(inputs: BatchInputs, smoothing: number): BatchLoss;
  /** To train on. */
  rows(examples: readonly TaskExample[], options?: RowOptions): TaskRows;
  /** An answer to each example, in order. Dropout is off. Labels, where there are any, are not looked at. */
  predict(
    engine: Engine,
    examples: readonly TaskExample[],
    options?: PredictOptions,
  ): Promise<TaskPrediction[]>;
}

export interface Task {
  readonly name: string;
  readonly description: string;
  /** Examples for `--data generated`: functions of the seed alone. */
  generate?(count: number, seed: number): TaskExample[];
  /** Examples for which this is the same are held out together. */
  together?(example: TaskExample): string | undefined;
  /** The class of Hugging Face that reads the model. */
  readonly architecture: string;
  /**
   * Whether answers are written token by token. Then the head that pre-training leaves is taken over with the body, and a new tokenizer is
   * made of texts and answers, one whose tokens are text again to the byte.
   */
  readonly writes?: boolean;
  /** Examples with labels from the text of a file. Throws ClozeError `input` naming `source` and the line at fault. */
  parse(text: string, source: string): TaskExample[];
  /** An example without labels from one line that a user wrote. */
  ask(line: string): TaskExample;
  /**
   * What config.json says of a model that learns from `train`: that of its body, and what its head needs. Throws ClozeError
   * `input` for examples from which nothing can be learnt.
   */
  configure(body: BertConfig, train: readonly TaskExample[], tokenizer: Tokenizer): BertConfig;
  /** The model of a config that `configure` made. Throws ClozeError `format` for another. */
  build(config: BertConfig, tokenizer: Tokenizer): TaskModel;
  /** `gold` and `predicted`: the labels of each example. */
  score(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): TaskScores;
  /** By the name of a score: what it depends on, where the field asks for that to be told. */
  signatures?(gold: readonly (readonly string[])[]): Readonly<Record<string, string>>;
  /** An answer as a record of JSON; by default its label. */
  record?(answer: string): object;
  readonly baseline: {
    readonly name: string;
    /** What it predicts for each of `examples`, having seen `train`. */
    predict(train: readonly TaskExample[], examples: readonly TaskExample[]): string[][];
  };
}

/** How `predicted` scores against the labels of `examples`. */
export function scoreOf(
  task: Task,
  examples: readonly TaskExample[],
  predicted: readonly Pick<TaskPrediction, 'labels'>[],
): TaskScores {
  return task.score(
    examples.map(({ labels }) => labels),
    predicted.map(({ labels }) => labels),
  );
}

/** How the task's baseline scores on `examples`, having seen `train`: the bar for a model. */
export function scoreBaseline(
  task: Task,
  train: readonly TaskExample[],
  examples: readonly TaskExample[],
): TaskScores {
  const predicted = task.baseline.predict(train, examples);
  return scoreOf(
    task,
    examples,
    predicted.map((labels) => ({ labels })),
  );
}

/** Throws ClozeError `option` for options of writing where the task does not write. */
export function checkWriting(
  { name, writes }: Task,
  { beams = 1, lengthPenalty = 1 }: Pick<PredictOptions, 'beams' | 'lengthPenalty'>,
): void {
  if (writes || (beams === 1 && lengthPenalty === 1)) return;
  throw new ClozeError(
    'option',
    `beams and their length penalty are for what is written, and ${name} is not`,
    'Leave them out',
  );
}

/** The most frequent of `values`, the first to come among equals. */
export function mostFrequent(values: Iterable<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: string | undefined;
  for (const [value, count] of counts)
    if (best === undefined || count > (counts.get(best) ?? 0)) best = value;
  return best;
}
