/** Regression: a number for a text, or for how alike two texts are (as STS-B in Devlin et al., "BERT", 2019, section 4.1). */
import { div, mul, reshape, square, sub, sum, type Tensor } from '../../autograd/index.ts';
import type { BertConfig } from '../bert/config.ts';
import { BertForSequenceClassification } from '../bert/heads.ts';
import { type Batch, batchOf } from '../data/batch.ts';
import { type BatchInputs, modelInput } from '../data/batchInputs.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { pearson, spearman } from './metrics/correlation.ts';
import { parseScoredTexts } from './readers/scoredTexts.ts';
import { eachOutput, lengthOf, roundedLength } from './rows.ts';
import { similarityPairs } from './similarityPairs.ts';
import type { RowOptions, Task, TaskExample, TaskModel, TaskPrediction, TaskRows } from './task.ts';

const numbers = (labels: readonly (readonly string[])[]) => labels.map(([label]) => Number(label));

export const similarity: Task = {
  name: 'similarity',
  description: 'a number for a text, or for two: lines of one or two texts and a number, with tabs between',
  architecture: 'BertForSequenceClassification',
  generate: similarityPairs,
  parse: parseScoredTexts,
  ask: (line) => {
    const [text, pair] = line.split('\t').map((part) => part.trim());
    return { text, ...(pair && { pair }), labels: [] };
  },
  configure: (body) => ({
    ...body,
    problem_type: 'regression',
    id2label: { 0: 'LABEL_0' },
    label2id: { LABEL_0: 0 },
  }),
  build: (config, tokenizer) => similarityModel(config, tokenizer),
  score: (gold, predicted) => {
    const [truth, answers] = [numbers(gold), numbers(predicted)];
    return { pearson: pearson(truth, answers), spearman: spearman(truth, answers) };
  },
  baseline: {
    name: 'shared words',
    /** The share of the words of both texts that are in both (Jaccard, 1901); 0 for a text alone. */
    predict: (_, examples) =>
      examples.map(({ text, pair = '' }) => {
        const [a, b] = [text, pair].map((part) => new Set(part.toLowerCase().match(/[\p{L}\p{N}]+/gu)));
        const common = [...a].filter((word) => b.has(word)).length;
        return [String(common / Math.max(1, a.size + b.size - common))];
      }),
  },
};

function similarityModel(config: BertConfig, tokenizer: Tokenizer): TaskModel {
  const model = new BertForSequenceClassification(config, 1);
  const output = (inputs: BatchInputs) => model.forward(modelInput(inputs), inputs.maskedPositions);
  const rowsOf = (examples: readonly TaskExample[], { seqLen }: RowOptions = {}) =>
    new ScoredRows(examples, tokenizer, lengthOf(config, seqLen));
  const trainee: TaskModel = {
    task: similarity,
    tokenizer,
    model,
    config,
    /** The mean squared error. Nothing is right or wrong, so there are no hits. */
    loss: (inputs) => {
      const { normalizer, weights } = inputs;
      const errors = square(sub(reshape(output(inputs), [-1]), inputs.extra.targets as Tensor));
      const loss = reshape(div(sum(mul(errors, weights as Tensor)), normalizer), []);
      return { loss, hits: loss.engine.constant('no hits', [], () => new Float32Array(1)) };
    },
    extra: (batch: ScoredBatch) => ({ targets: batch.targets }),
    rows: rowsOf,
    predict: async (engine, examples, options = {}) => {
      const predictions: TaskPrediction[] = [];
      const { batchSize } = options;
      await eachOutput(engine, trainee, rowsOf(examples, options), { batchSize, output }, (_, [value]) => {
        predictions.push({ labels: [String(value)], scores: [] });
      });
      return predictions;
    },
  };
  return trainee;
}

interface ScoredBatch extends Batch {
  /** [B] what each row is to be given; 0 for one of weight 0. */
  targets: Float32Array<ArrayBuffer>;
}

class ScoredRows implements TaskRows {
  readonly size: number;
  private readonly T: number;
  private readonly rows: readonly { inputIds: Uint32Array; typeIds: Uint8Array; target: number }[];
  private readonly tokenizer: Tokenizer;

  constructor(examples: readonly TaskExample[], tokenizer: Tokenizer, longest: number) {
    this.size = examples.length;
    this.tokenizer = tokenizer;
    this.rows = examples.map(({ text, pair, labels: [label = '0'] }) => {
      const options = { pair, maxLength: longest, truncation: 'longest_first' } as const;
      const { ids, typeIds } = tokenizer.encode(text, options);
      return { inputIds: Uint32Array.from(ids), typeIds: Uint8Array.from(typeIds), target: Number(label) };
    });
    this.T = roundedLength(
      this.rows.map(({ inputIds }) => inputIds.length),
      longest,
    );
  }

  batch(rows: Int32Array<ArrayBuffer>): ScoredBatch {
    const asked = Array.from(rows, (row) => {
      if (row < 0) return undefined;
      const { inputIds, typeIds } = this.rows[row];
      return { inputIds, typeIds, positions: [0], labels: [0], weights: [1] };
    });
    const shape = { T: this.T, M: 1, attention: 'bidirectional', shift: 0, weighted: true } as const;
    const targets = Float32Array.from(rows, (row) => (row < 0 ? 0 : this.rows[row].target));
    return { ...batchOf(asked, rows, { ...shape, paired: true }, this.tokenizer), targets };
  }
}
