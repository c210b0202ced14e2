/**
 * What an objective is: how it hides a row of text, what it asks of the model, and how the answers are scored. All
 * objectives train one transformer; the trainer, the step and the batches know them by this interface alone.
 */
import type * as v from 'valibot';
import type { Tensor } from '../../autograd/index.ts';
import type { Module } from '../../nn/index.ts';
import type { BertConfig } from '../bert/config.ts';
import type { Batch } from '../data/batch.ts';
import type { BatchInputs } from '../data/batchInputs.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import type { MaskKey } from '../masking/index.ts';
import type { Score } from '../training/events.ts';

/** A row as the model reads it, and what is asked of it. */
export interface Example {
  /** At most the corruption's `rowLength` of them. */
  inputIds: Uint32Array;
  /** Of a row of two texts: which of them each token is of. */
  typeIds?: ArrayLike<number>;
  /** Positions in `inputIds` whose hidden states predict something; at most `places` of them. */
  positions: ArrayLike<number>;
  /** What each of them is to predict. */
  labels: ArrayLike<number>;
  /** The factor of each one's loss, where the corruption is `weighted`. */
  weights?: ArrayLike<number>;
  /** The row's share of what the sum of losses is divided by. Default: the sum of its weights. */
  normalizer?: number;
  /** With attention `prefix`: how many tokens every token of the row sees; the others are seen by later ones only. */
  prefix?: number;
}

/** All that an example is a function of besides its row. */
export interface RowKey extends MaskKey {
  /** In [0, 1), spread evenly over the rows of a step or of an evaluation: for what is to vary between them. */
  quantile: number;
  /** The share of the run that is done, for what changes on the way; 1 in an evaluation. */
  progress: number;
}

/**
 * Who sees whom: all tokens each other; each token itself and those before it; or, besides those, the first `prefix` tokens
 * of its row.
 */
export type AttentionKind = 'bidirectional' | 'causal' | 'prefix';

/** Makes examples of rows; the shapes depend on the rows' length T alone. */
export interface Corruption {
  readonly attention: AttentionKind;
  /** 1 where the state of a token predicts the next one, 0 where it predicts the token in its own place. */
  readonly shift: 0 | 1;
  /** Whether examples have weights. */
  readonly weighted: boolean;
  /** Tokens of a row as the model reads it. */
  rowLength(T: number): number;
  /** Most predictions that a row asks for. */
  places(T: number): number;
  /** `ids`: a row of a dataset without its padding. A pure function of its arguments. */
  apply(ids: Uint32Array, T: number, key: RowKey): Example;
}

export interface BatchLoss {
  /** Σ weight · loss over the batch's normalizer: what is minimised. A scalar. */
  loss: Tensor;
  /** How many predictions were right: a scalar. */
  hits: Tensor;
}

/** A model built for an objective, and the loss that trains it. */
export interface Trainee<M extends Module = Module> {
  readonly model: M;
  readonly config: BertConfig;
  loss(inputs: BatchInputs): BatchLoss;
  /** What `loss` reads of a batch besides what all read: row numbers, u32, become indices, the rest tensors. */
  extra?(
    batch: Batch,
  ): Record<string, Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>;
  /** Whether hits are counted among the predictions asked for, or among all tokens. Default `predictions`. */
  readonly scores?: 'predictions' | 'tokens';
}

/** A score of counts, with the mean probability that they gave to the truth. */
export interface CountedScore extends Score {
  confidence: number;
}

export interface Objective {
  readonly name: string;
  /** What the loss is measured in, for a reader. */
  readonly unit: string;
  readonly train: Corruption;
  /** The same for every evaluation, and comparable with count-based bars. */
  readonly evaluation: Corruption;
  /** Ids above the tokenizer's that the objective needs. */
  readonly extraTokens: number;
  /** The count-based predictor that has the same context: visible neighbours on both sides, or the tokens before. */
  readonly bar: 'neighbours' | 'ngrams';
  /** What a score of counts means for this objective, where its loss is no mean cross-entropy of the predictions. */
  asBar?(counted: CountedScore, totals: { predictions: number; tokens: number }): Score;
  /** Builds the model, which has no memory yet. */
  build(config: BertConfig): Trainee;
}

/** An objective by name: its own options and how it is made of them. */
export interface ObjectiveKind<Entries extends v.ObjectEntries = v.ObjectEntries> {
  /** Its options, with their defaults. */
  readonly parameters: Entries;
  /** Throws ClozeError `option` for options or a vocabulary that allow no example. */
  create(
    parameters: v.InferOutput<v.ObjectSchema<Entries, undefined>>,
    vocabulary: TokenVocabulary,
  ): Objective;
}

export function objectiveKind<Entries extends v.ObjectEntries>(
  kind: ObjectiveKind<Entries>,
): ObjectiveKind<Entries> {
  return kind;
}
