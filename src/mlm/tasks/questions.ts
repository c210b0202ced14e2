/** Extractive question answering: the span of a context that answers a question (Devlin et al., "BERT", 2019, section 4.2). */
import { crossEntropy, permute } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { BertForQuestionAnswering } from '../bert/heads.ts';
import { type Batch, batchOf } from '../data/batch.ts';
import { type BatchInputs, modelInput } from '../data/batchInputs.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { answerScores } from './metrics/answers.ts';
import { parseSquad } from './readers/squad.ts';
import { eachOutput, lengthOf, roundedLength, softmax } from './rows.ts';
import type { RowOptions, Task, TaskExample, TaskModel, TaskPrediction, TaskRows } from './task.ts';
import { bestWindows, type Candidate, candidatesIn, type Spans, type Window, windowsOf } from './windows.ts';

/** Tokens of a row unless told otherwise, where the model reads as many. */
const usualLength = 384;

export const questions: Task = {
  name: 'qa',
  description: "questions about a context that holds the answer: SQuAD's JSON",
  architecture: 'BertForQuestionAnswering',
  parse: parseSquad,
  ask: (line) => {
    const [text, pair, ...more] = line.split('\t');
    if (pair?.trim() && text.trim() && more.length === 0) return { text: text.trim(), pair, labels: [] };
    const what = `${JSON.stringify(line.slice(0, 60))} is no question with its context`;
    throw new ClozeError('input', what, 'Write the question, a tab and the context');
  },
  together: ({ pair }) => pair,
  configure: (body) => body,
  build: (config, tokenizer) => questionModel(config, tokenizer),
  score: (gold, predicted) =>
    answerScores(
      gold,
      predicted.map(([answer]) => answer),
    ),
  baseline: {
    name: 'likeliest sentence',
    /** The sentence of the context that has most words of the question. */
    predict: (_, examples) => examples.map(({ text, pair = '' }) => [closestSentence(text, pair)]),
  },
};

function closestSentence(question: string, context: string): string {
  const wanted = new Set(wordsOf(question));
  const sentences = context.split(/(?<=[.!?。])\s*/u).filter((sentence) => sentence.trim() !== '');
  const common = sentences.map(
    (sentence) => new Set(wordsOf(sentence).filter((word) => wanted.has(word))).size,
  );
  return sentences[common.indexOf(Math.max(...common))] ?? '';
}

const wordsOf = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function questionModel(config: BertConfig, tokenizer: Tokenizer): TaskModel {
  const model = new BertForQuestionAnswering(config);
  const logits = (inputs: BatchInputs) => model.forward(modelInput(inputs));
  const rowsOf = (
    examples: readonly TaskExample[],
    { seqLen = usualLength, docStride = 128 }: RowOptions = {},
  ) => new QuestionRows(examples, { tokenizer, T: lengthOf(config, seqLen), docStride });
  const trainee: TaskModel = {
    task: questions,
    tokenizer,
    model,
    config,
    /** The mean of the cross-entropies of start and end, each over the tokens of a row. */
    loss: (inputs) =>
      crossEntropy(permute(logits(inputs), [0, 2, 1]), inputs.labels, { normalizer: inputs.normalizer }),
    rows: rowsOf,
    predict: async (engine, examples, options = {}) => {
      const rows = rowsOf(examples, options);
      const found: Candidate[][] = examples.map(() => []);
      const { batchSize } = options;
      await eachOutput(engine, trainee, rows, { batchSize, output: logits }, (row, values) => {
        found[rows.windows[row].example].push(...rows.candidates(row, values));
      });
      return found.map((candidates, example) => rows.answer(example, candidates));
    },
  };
  return trainee;
}

/** The windows of all examples, one a row; what is asked of each is the start and the end of its answer. */
class QuestionRows implements TaskRows {
  readonly windows: readonly Window[];
  readonly size: number;
  private readonly T: number;
  private readonly examples: readonly TaskExample[];
  private readonly spans: readonly Spans[];
  /** For each row, the tokens of the context that may be starts in it. */
  private readonly mayStart: readonly ((token: number) => boolean)[];
  private readonly tokenizer: Tokenizer;

  constructor(
    examples: readonly TaskExample[],
    parts: { tokenizer: Tokenizer; T: number; docStride: number },
  ) {
    const read = examples.map((example, i) => windowsOf(example, i, parts));
    this.examples = examples;
    this.tokenizer = parts.tokenizer;
    this.windows = read.flatMap(({ windows }) => windows);
    this.spans = read.map(({ spans }) => spans);
    this.mayStart = read.flatMap(({ windows, spans }) => {
      const best = bestWindows(windows, spans.length);
      return windows.map((_, index) => (token: number) => best[token] === index);
    });
    this.size = this.windows.length;
    this.T = roundedLength(
      this.windows.map(({ inputIds }) => inputIds.length),
      parts.T,
    );
  }

  batch(rows: Int32Array<ArrayBuffer>): Batch {
    const asked = Array.from(rows, (row) => {
      if (row < 0) return undefined;
      const { inputIds, offset, answer } = this.windows[row];
      const typeIds = Uint8Array.from(inputIds, (_, at) => (at < offset ? 0 : 1));
      return { inputIds, typeIds, positions: [0, 0], labels: answer };
    });
    const shape = { T: this.T, M: 2, attention: 'bidirectional', shift: 0, weighted: false } as const;
    return batchOf(asked, rows, { ...shape, paired: true }, this.tokenizer);
  }

  candidates(row: number, logits: Float32Array): Candidate[] {
    return candidatesIn(this.windows[row], logits, this.mayStart[row]);
  }

  /** The best of the candidates of all windows, and its probability among the twenty best. */
  answer(example: number, candidates: Candidate[]): TaskPrediction {
    const best = candidates.sort((a, b) => b.score - a.score).slice(0, 20);
    if (best.length === 0) return { labels: [''], scores: [0] };
    const { pair = '' } = this.examples[example];
    const spans = this.spans[example];
    const text = pair.slice(spans[best[0].first][0], spans[best[0].last][1]);
    return { labels: [text], scores: softmax(best.map(({ score }) => score)).slice(0, 1) };
  }
}
