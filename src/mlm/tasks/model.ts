/** The model of a task: the transformer with the task's head, and what it predicts. */
import { crossEntropy, type Engine, reshape, type Tensor } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { Module } from '../../nn/index.ts';
import { type Batch, batchOf, ignoreIndex } from '../batch.ts';
import { type BatchInputs, modelInput, uploadBatch } from '../batchInputs.ts';
import type { BertConfig } from '../bert/config.ts';
import { BertForSequenceClassification, BertForTokenClassification } from '../bert/heads.ts';
import { gatherTokens } from '../bert/model.ts';
import type { Trainee } from '../objectives/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { EncodedExample, Task, TaskExample } from './task.ts';

/** A trainee that also tells what it predicts. */
export interface TaskModel extends Trainee {
  readonly task: Task;
  readonly tokenizer: Tokenizer;
  /** In the order of the classes. */
  readonly labels: readonly string[];
  /** Of every place of a batch, [B·M, labels]. */
  logits(inputs: BatchInputs): Tensor;
}

/** A model whose config names its labels; it has no memory yet. Throws ClozeError `format` for a config without `id2label`. */
export function taskModel(task: Task, config: BertConfig, tokenizer: Tokenizer): TaskModel {
  const labels = labelsOf(config);
  const { model, logits } =
    task.head === 'sequence' ? sequenceHead(config, labels) : tokenHead(config, labels);
  return {
    task,
    tokenizer,
    labels,
    model,
    config,
    logits,
    loss: (inputs) => crossEntropy(logits(inputs), inputs.labels, { normalizer: inputs.normalizer }),
  };
}

interface Head {
  model: Module;
  logits(inputs: BatchInputs): Tensor;
}

function sequenceHead(config: BertConfig, labels: readonly string[]): Head {
  const model = new BertForSequenceClassification(config, labels.length);
  return { model, logits: (inputs) => model.forward(modelInput(inputs), inputs.maskedPositions) };
}

function tokenHead(config: BertConfig, labels: readonly string[]): Head {
  const model = new BertForTokenClassification(config, labels.length);
  return {
    model,
    logits: (inputs) => gatherTokens(model.forward(modelInput(inputs)), inputs.maskedPositions),
  };
}

/** What config.json of a task's model says besides its body: as Hugging Face's AutoModel classes read it. */
export function taskConfig(task: Task, body: BertConfig, labels: readonly string[]): BertConfig {
  const sequence = task.head === 'sequence';
  return {
    ...body,
    architectures: [sequence ? 'BertForSequenceClassification' : 'BertForTokenClassification'],
    ...(sequence && { problem_type: 'single_label_classification' }),
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
    task: task.name,
  };
}

function labelsOf({ id2label = {} }: BertConfig): string[] {
  const labels = Object.keys(id2label).map((_, id) => id2label[String(id)]);
  if (labels.length > 1 && labels.every((label) => label !== undefined)) return labels;
  throw new ClozeError('format', 'config.json: id2label must name two labels or more, numbered from 0');
}

/** Encoded examples with the classes of their labels; a place without a label asks for nothing. */
export class TaskRows {
  readonly examples: readonly TaskExample[];
  readonly encoded: readonly EncodedExample[];
  /** Tokens of the longest row, rounded up, so that few shapes are compiled. */
  readonly T: number;
  readonly M: number;
  private readonly classes: ReadonlyMap<string, number>;
  private readonly tokenizer: Tokenizer;

  /** Throws ClozeError `input` naming a label that the model does not know. */
  constructor(
    examples: readonly TaskExample[],
    { task, tokenizer, labels, config }: TaskModel,
    seqLen?: number,
  ) {
    const longest = Math.min(seqLen ?? 128, config.max_position_embeddings);
    this.examples = examples;
    this.tokenizer = tokenizer;
    this.classes = new Map(labels.map((label, id) => [label, id]));
    this.encoded = examples.map((example) => task.encode(example, tokenizer, longest));
    const tokens = this.encoded.reduce((most, { inputIds }) => Math.max(most, inputIds.length), 1);
    this.T = Math.min(longest, 8 * Math.ceil(tokens / 8));
    this.M = this.encoded.reduce((most, { positions }) => Math.max(most, positions.length), 1);
    const known = new Set(labels);
    examples.forEach(({ labels: own, text }, i) => {
      const stranger = own.find((label) => !known.has(label));
      if (stranger === undefined) return;
      throw new ClozeError(
        'input',
        `example ${i + 1} (${JSON.stringify(text.slice(0, 40))}) has the label ${stranger}, which the model does not know`,
        `Known: ${labels.slice(0, 20).join(', ')}${labels.length > 20 ? ', …' : ''}`,
      );
    });
  }

  /** The batch of these rows; -1 stands for an empty one. */
  batch(rows: Int32Array<ArrayBuffer>): Batch {
    const { T, M, encoded, examples, classes } = this;
    const asked = Array.from(rows, (row) => {
      if (row < 0) return undefined;
      const { inputIds, positions, items } = encoded[row];
      const labels = items.map((item) => classes.get(examples[row].labels[item]) ?? ignoreIndex);
      return { inputIds, positions, labels };
    });
    const shape = { T, M, attention: 'bidirectional', shift: 0, weighted: false } as const;
    return batchOf(asked, rows, shape, this.tokenizer);
  }
}

/** What is predicted for an example, and the probability of each of its labels. */
export interface TaskPrediction {
  labels: string[];
  scores: number[];
}

/** Predictions for all rows, in order. Dropout is off. */
export async function predictRows(
  engine: Engine,
  trainee: TaskModel,
  rows: TaskRows,
  batchSize = 32,
): Promise<TaskPrediction[]> {
  const { model, labels, task } = trainee;
  model.eval();
  const predictions: TaskPrediction[] = [];
  for (let start = 0; start < rows.encoded.length; start += batchSize) {
    const chosen = Int32Array.from({ length: batchSize }, (_, b) =>
      start + b < rows.encoded.length ? start + b : -1,
    );
    const logits = engine.noGrad(() =>
      engine.scope(() => {
        const inputs = uploadBatch(engine, trainee, rows.batch(chosen), { normalizer: 1, tokens: 1 });
        return reshape(trainee.logits(inputs), [-1, labels.length]);
      }, 'predict'),
    );
    const values = await logits.data();
    logits.dispose();
    chosen.forEach((row, b) => {
      if (row < 0) return;
      const { words } = rows.examples[row];
      const count = task.head === 'token' ? (words?.length ?? 0) : 1;
      const found: TaskPrediction = {
        labels: new Array(count).fill(task.fallback ?? ''),
        scores: new Array(count).fill(0),
      };
      rows.encoded[row].items.forEach((item, place) => {
        const at = (b * rows.M + place) * labels.length;
        const [id, score] = likeliest(values.subarray(at, at + labels.length));
        found.labels[item] = labels[id];
        found.scores[item] = score;
      });
      predictions.push(found);
    });
  }
  return predictions;
}

/** The largest of a row of logits, the first among equals, and its probability. */
function likeliest(logits: ArrayLike<number>): [id: number, probability: number] {
  let id = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i] > logits[id]) id = i;
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - logits[id]);
  return [id, 1 / total];
}
