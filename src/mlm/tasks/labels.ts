/** Models that choose among labels: one for a whole text, or one for each of its words. */
import { crossEntropy, type Tensor } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { Module } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { BertForSequenceClassification, BertForTokenClassification } from '../bert/heads.ts';
import { gatherTokens } from '../bert/model.ts';
import { type Batch, batchOf, ignoreIndex } from '../data/batch.ts';
import { type BatchInputs, modelInput } from '../data/batchInputs.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { eachOutput, lengthOf, roundedLength, softmax } from './rows.ts';
import type { RowOptions, Task, TaskExample, TaskModel, TaskPrediction, TaskRows } from './task.ts';

/** An example as the model reads it. */
export interface EncodedLabels {
  /** At most T of them. */
  inputIds: Uint32Array;
  /** The tokens whose states predict a label, and the index of the label that each predicts. */
  positions: readonly number[];
  items: readonly number[];
}

/** What a task that chooses among labels says of itself; the rest follows. */
export interface LabelTask extends Omit<Task, 'architecture' | 'configure' | 'build'> {
  readonly head: keyof typeof heads;
  /** A text that leaves no room for all of it is cut off at its end. */
  encode(example: TaskExample, tokenizer: Tokenizer, T: number): EncodedLabels;
  /** The label of what was cut off; undefined where nothing can be. */
  readonly fallback?: string;
}

interface Head {
  model: Module;
  /** Of every place of a batch, [B·M, labels]. */
  logits(inputs: BatchInputs): Tensor;
}

const heads = {
  sequence: {
    architecture: 'BertForSequenceClassification',
    fields: { problem_type: 'single_label_classification' },
    make: (config: BertConfig, labels: number): Head => {
      const model = new BertForSequenceClassification(config, labels);
      return { model, logits: (inputs) => model.forward(modelInput(inputs), inputs.maskedPositions) };
    },
  },
  token: {
    architecture: 'BertForTokenClassification',
    fields: {},
    make: (config: BertConfig, labels: number): Head => {
      const model = new BertForTokenClassification(config, labels);
      return {
        model,
        logits: (inputs) => gatherTokens(model.forward(modelInput(inputs)), inputs.maskedPositions),
      };
    },
  },
} as const;

/** A task whose answers are labels that the training examples have. */
export function labelTask(own: LabelTask): Task {
  const { architecture, fields } = heads[own.head];
  const task: Task = {
    ...own,
    architecture,
    configure: (body, train) => ({ ...body, ...fields, ...namesOf(train) }),
    build: (config, tokenizer) => labelModel(task, own, config, tokenizer),
  };
  return task;
}

/** `id2label` and `label2id` as Hugging Face's AutoModel classes read them. */
function namesOf(train: readonly TaskExample[]): Pick<BertConfig, 'id2label'> & Record<string, unknown> {
  const labels = [...new Set(train.flatMap(({ labels }) => labels))].sort();
  if (labels.length < 2) {
    const what = `the training examples have ${labels.length === 0 ? 'no label' : `the label ${labels[0]} alone`}`;
    throw new ClozeError('input', what, 'Give examples of two labels or more');
  }
  return {
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}

function labelsOf({ id2label = {} }: BertConfig): string[] {
  const labels = Object.keys(id2label).map((_, id) => id2label[String(id)]);
  if (labels.length > 1 && labels.every((label) => label !== undefined)) return labels;
  throw new ClozeError('format', 'config.json: id2label must name two labels or more, numbered from 0');
}

function labelModel(task: Task, own: LabelTask, config: BertConfig, tokenizer: Tokenizer): TaskModel {
  const labels = labelsOf(config);
  const { model, logits } = heads[own.head].make(config, labels.length);
  const rowsOf = (examples: readonly TaskExample[], { seqLen }: RowOptions = {}) =>
    new LabelRows(examples, own, { tokenizer, labels, longest: lengthOf(config, seqLen) });
  const loss = (inputs: BatchInputs, smoothing = 0) =>
    crossEntropy(logits(inputs), inputs.labels, { normalizer: inputs.normalizer, smoothing });
  const trainee: TaskModel = {
    task,
    tokenizer,
    model,
    config,
    labels,
    loss: (inputs) => loss(inputs),
    smoothedLoss: loss,
    check: (examples) => checkLabels(examples, labels),
    rows: rowsOf,
    predict: async (engine, examples, options = {}) => {
      const { batchSize } = options;
      const rows = rowsOf(examples, options);
      const predictions: TaskPrediction[] = [];
      await eachOutput(engine, trainee, rows, { batchSize, output: logits }, (row, values) => {
        predictions.push(rows.answer(row, values, own.fallback ?? ''));
      });
      return predictions;
    },
  };
  return trainee;
}

/** Throws ClozeError `input` naming the first label that the model does not know. */
function checkLabels(examples: readonly TaskExample[], labels: readonly string[]): void {
  const known = new Set(labels);
  examples.forEach(({ labels: own, words, where }, i) => {
    const at = own.findIndex((label) => !known.has(label));
    if (at < 0) return;
    const example = where ?? `example ${i + 1}`;
    const place = words ? `${example}, word ${at + 1} (${JSON.stringify(words[at])})` : example;
    throw new ClozeError(
      'input',
      `${place}: the label ${JSON.stringify(own[at])} is none of the model's`,
      `Known: ${labels.slice(0, 20).join(', ')}${labels.length > 20 ? ', …' : ''}`,
    );
  });
}

/** Encoded examples with the classes of their labels; a place without a label asks for nothing. */
class LabelRows implements TaskRows {
  readonly size: number;
  private readonly examples: readonly TaskExample[];
  private readonly encoded: readonly EncodedLabels[];
  private readonly T: number;
  private readonly M: number;
  private readonly labels: readonly string[];
  private readonly classes: ReadonlyMap<string, number>;
  private readonly tokenizer: Tokenizer;

  constructor(
    examples: readonly TaskExample[],
    { encode }: LabelTask,
    parts: { tokenizer: Tokenizer; labels: readonly string[]; longest: number },
  ) {
    const { tokenizer, labels, longest } = parts;
    this.size = examples.length;
    this.examples = examples;
    this.tokenizer = tokenizer;
    this.labels = labels;
    this.classes = new Map(labels.map((label, id) => [label, id]));
    this.encoded = examples.map((example) => encode(example, tokenizer, longest));
    this.T = roundedLength(
      this.encoded.map(({ inputIds }) => inputIds.length),
      longest,
    );
    this.M = this.encoded.reduce((most, { positions }) => Math.max(most, positions.length), 1);
  }

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

  /** The likeliest labels by the logits of a row's places, [M, labels]; `fallback` where nothing was asked. */
  answer(row: number, logits: Float32Array, fallback: string): TaskPrediction {
    const { labels } = this;
    const count = this.examples[row].words?.length ?? 1;
    const found: string[] = new Array(count).fill(fallback);
    const probabilities: number[][] = Array.from({ length: count }, () =>
      labels.map((label) => (label === fallback ? 1 : 0)),
    );
    this.encoded[row].items.forEach((item, place) => {
      const at = place * labels.length;
      probabilities[item] = softmax(logits.subarray(at, at + labels.length));
      found[item] = labels[likeliest(probabilities[item])];
    });
    const scores = probabilities.map((each) => Math.max(...each));
    return { labels: found, scores, probabilities };
  }
}

/** The index of the largest, the first among equals. */
function likeliest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
