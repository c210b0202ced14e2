/**
 * Tasks whose answer is a text: the one transformer reads the source on both sides and writes the target behind it from left to right (Dong
 * et al., "UniLM", 2019), in rows as `objectives/sequenceToSequence.ts` lays them out. Fine-tuning is teacher-forced cross-entropy of
 * the target and its end; answers are written by beam search over a key/value cache, greedily with one beam.
 */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/errors.ts';
import type { BertConfig } from '../bert/config.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';
import { type Batch, batchOf } from '../data/batch.ts';
import { maskedLoss } from '../data/batchInputs.ts';
import { beamSearch } from '../generate/beamSearch.ts';
import { languageModel } from '../objectives/languageModel.ts';
import type { Example } from '../objectives/objective.ts';
import { pairExample, pairLength, type SourceAndTarget } from '../objectives/sequenceToSequence.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { lengthOf, roundedLength } from './rows.ts';
import type { PredictOptions, Task, TaskExample, TaskModel, TaskPrediction, TaskRows } from './task.ts';

/** Most tokens of a row where nothing else is said; source, target and two more share them. */
const longestRow = 512;

/** What a task that writes says of itself; the rest follows. */
export type WritingTask = Omit<Task, 'architecture' | 'writes' | 'together' | 'configure' | 'build'>;

/** A task whose examples have a source as `text` and a target as their one label. */
export function writingTask(own: WritingTask): Task {
  const task: Task = {
    ...own,
    // No class of Hugging Face's: the layers are a BERT's, but who sees whom is not.
    architecture: 'BertForSeq2SeqLM',
    writes: true,
    // A text may have several targets.
    together: ({ text }) => text,
    configure: (body, train, tokenizer) => ({
      ...body,
      objective: 'seq2seq',
      suppress_tokens: undefined,
      max_new_tokens: longestTarget(train, tokenizer, rowLength(body)),
    }),
    build: (config, tokenizer) => writer(task, config, tokenizer),
  };
  return task;
}

const rowLength = (config: BertConfig, seqLen = longestRow): number => lengthOf(config, seqLen);

/** Tokens of the longest target, of which half a row leaves room for as many more of the source. */
function longestTarget(train: readonly TaskExample[], tokenizer: Tokenizer, T: number): number {
  const lengths = train.flatMap(({ labels }) => labels.map((target) => tokenizer.encodeToIds(target).length));
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  if (longest === 0) {
    throw new ClozeError('input', 'the training examples have no text to write', 'Give some a target');
  }
  return Math.min(longest, Math.floor(T / 2));
}

function writer(task: Task, config: BertConfig, tokenizer: Tokenizer): TaskModel {
  const { max_new_tokens: longest } = config;
  if (longest === undefined) {
    const what = 'config.json: max_new_tokens is missing, the most tokens that the model writes';
    throw new ClozeError('format', what, 'Name a folder that `cloze finetune` wrote');
  }
  const trainee = languageModel(config);
  /** What is too long is cut off at its end: a target at the longest of training, a source where it would leave no room for one. */
  const encode = (examples: readonly TaskExample[], seqLen?: number) => {
    const T = rowLength(config, seqLen);
    const room = Math.min(longest, Math.floor(T / 2));
    const cut = (text: string, length: number) => tokenizer.encodeToIds(text).subarray(0, length);
    const pairs = examples.map(({ text, labels: [target = ''] }) => ({
      source: cut(text, Math.max(1, T - pairLength(0, room))),
      target: cut(target, room),
    }));
    return { pairs, room, T };
  };
  return {
    ...trainee,
    task,
    tokenizer,
    smoothedLoss: (inputs, smoothing) => maskedLoss(trainee.model, inputs, smoothing),
    rows: (examples, { seqLen } = {}) => {
      const { pairs, T } = encode(examples, seqLen);
      return new PairRows(pairs, T, tokenizer);
    },
    predict: (engine, examples, { seqLen, ...options } = {}) => {
      const { pairs, room } = encode(examples, seqLen);
      const sources = pairs.map(({ source }) => source);
      return write(engine, trainee.model, sources, tokenizer, { ...options, maxTokens: room });
    },
  };
}

/** Pairs as rows of a prefix language model. */
class PairRows implements TaskRows {
  readonly size: number;
  private readonly examples: readonly Example[];
  private readonly T: number;
  private readonly M: number;
  private readonly tokenizer: Tokenizer;

  constructor(pairs: readonly SourceAndTarget[], longest: number, tokenizer: Tokenizer) {
    this.size = pairs.length;
    this.examples = pairs.map((pair) => pairExample(pair, tokenizer));
    this.tokenizer = tokenizer;
    this.T = roundedLength(
      this.examples.map(({ inputIds }) => inputIds.length),
      longest,
    );
    this.M = this.examples.reduce((most, { labels }) => Math.max(most, labels.length), 1);
  }

  batch(rows: Int32Array<ArrayBuffer>): Batch {
    const { T, M, examples, tokenizer } = this;
    const asked = Array.from(rows, (row) => (row < 0 ? undefined : examples[row]));
    return batchOf(asked, rows, { T, M, attention: 'prefix', shift: 1, weighted: false }, tokenizer);
  }
}

/** The best target of each source, and the mean probability of its tokens (geometric). */
async function write(
  engine: Engine,
  model: BertForMaskedLM,
  sources: readonly ArrayLike<number>[],
  tokenizer: Tokenizer,
  { batchSize = 32, beams = 1, lengthPenalty, maxTokens }: PredictOptions & { maxTokens: number },
): Promise<TaskPrediction[]> {
  const predictions: TaskPrediction[] = new Array(sources.length);
  // Sources of one length share a batch without padding.
  const order = sources.map((_, i) => i).sort((a, b) => sources[a].length - sources[b].length || a - b);
  for (let start = 0; start < order.length; start += batchSize) {
    const chosen = order.slice(start, start + batchSize);
    const found = await beamSearch(
      engine,
      model,
      chosen.map((i) => sources[i]),
      tokenizer,
      { beams, lengthPenalty, maxTokens },
    );
    found.forEach(([best], i) => {
      // A body that was pre-trained by t5 has sentinels above the tokenizer's ids.
      const ids = best.ids.filter((id) => id < tokenizer.vocabSize);
      predictions[chosen[i]] = { labels: [tokenizer.decode(ids).trim()], scores: [Math.exp(best.score)] };
    });
  }
  return predictions;
}
