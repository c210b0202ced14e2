/** From documents to what a trainer needs: a tokenizer, rows to train on, rows to validate on, and bars to beat. */

import { type BarObjective, baselinesFor } from '../evaluation/baselines/index.ts';
import { type Tokenizer, trainedKinds, trainTokenizer } from '../tokenizer/index.ts';
import type { Baselines } from '../training/events.ts';
import type { TrainOptions } from '../training/options.ts';
import type { Batch } from './batch.ts';
import { type Corpus, splitCorpus } from './corpus.ts';
import { buildDataset, cutRows, type Dataset, thinned } from './dataset.ts';
import { floorLoss } from './synthetic.ts';
import { countRepeats, encodeDocuments, type Repeats, type TokenList } from './tokens.ts';

export interface Session {
  /** What a user would call the corpus. */
  readonly name: string;
  readonly documents: number;
  readonly tokenizer: Tokenizer;
  readonly train: Dataset;
  readonly validation: Dataset;
  /** Documents that come again; undefined for a text that has no documents. */
  readonly repeats?: Repeats;
  /** How count-based predictors, fitted on the training part, score on these batches of an objective. */
  baselines(batches: Iterable<Batch>, objective: BarObjective): Baselines;
  /** The least possible loss on these batches, where it is known for their language and their objective. */
  floor?(batches: Iterable<Batch>): number | undefined;
}

export type SessionOptions = Pick<
  TrainOptions,
  'documents' | 'textField' | 'validation' | 'tokenizer' | 'vocabSize' | 'seqLen' | 'seed'
>;

/** Whether a run reads its corpus as one unbroken text: the default for characters, which need no documents. */
export function readsStream({
  documents,
  tokenizer,
}: Pick<TrainOptions, 'documents' | 'tokenizer'>): boolean {
  return documents === 'stream' || (documents === undefined && tokenizer === 'char');
}

/**
 * Splits the corpus, trains a tokenizer on the training part unless one is given, and cuts rows. A pure function of
 * its arguments. Throws `input` for a corpus that is too small.
 */
export async function buildSession(
  corpus: Corpus,
  options: SessionOptions,
  given?: Tokenizer,
): Promise<Session> {
  const { language } = corpus;
  const stream = !language && readsStream(options);
  const split = splitCorpus(corpus.documents, {
    fraction: options.validation,
    by: stream ? 'contiguous' : 'document',
    seed: options.seed,
  });
  const tokenizer = given ?? (await learn(corpus, split.train, options));
  const tokens = encodeDocuments([...split.train, ...split.validation], tokenizer);
  return {
    ...sessionOf(tokens, (document) => document >= split.train.length, {
      name: corpus.name,
      documents: corpus.documents.length,
      tokenizer,
      seqLen: options.seqLen,
      stream,
    }),
    floor: language && ((batches) => floorLoss(language, batches, tokenizer)),
  };
}

/** Tokens of the training part that are counted for the baselines; of a larger one, rows spread evenly over it. */
const countedTokens = 1 << 24;

/** What a session is besides its tokens. */
export interface SessionFacts extends Pick<Session, 'name' | 'documents' | 'tokenizer'> {
  seqLen: number;
  /** Whether the documents are one unbroken text. */
  stream: boolean;
}

/** A session of tokens, wherever they lie. Throws `input` when a part has none. */
export function sessionOf(
  tokens: TokenList,
  isValidation: (document: number) => boolean,
  { seqLen, stream, ...facts }: SessionFacts,
): Session {
  const rows = stream ? 'contiguous' : 'document';
  const { tokenizer } = facts;
  const train = cutRows(tokens, (document) => !isValidation(document), tokenizer, { seqLen, rows });
  const validation = cutRows(tokens, isValidation, tokenizer, { seqLen, rows });
  return {
    ...facts,
    train,
    validation,
    repeats: stream ? undefined : countRepeats(tokens, isValidation),
    baselines: (batches, objective) => baselinesFor(thinned(train, countedTokens), batches, objective),
  };
}

/** What can be scored of a session, or of a text that no session splits. */
export type ScoredText = Pick<Session, 'name' | 'validation' | 'floor'>;

/** All of a corpus as rows to score. Throws `input` for a corpus without tokens. */
export function buildWholeText(
  { name, documents, language }: Corpus,
  options: Pick<SessionOptions, 'documents' | 'tokenizer' | 'seqLen'>,
  tokenizer: Tokenizer,
): ScoredText {
  const rows = !language && readsStream(options) ? 'contiguous' : 'document';
  return {
    name,
    validation: buildDataset(documents, tokenizer, { seqLen: options.seqLen, rows }),
    floor: language && ((batches) => floorLoss(language, batches, tokenizer)),
  };
}

/** Synthetic languages are written in characters. A character that only the validation part has is known all the same. */
function learn(corpus: Corpus, train: readonly string[], options: SessionOptions): Promise<Tokenizer> {
  if (corpus.language || options.tokenizer === 'char') {
    return trainTokenizer({ kind: 'char', corpus: corpus.documents });
  }
  const kind = trainedKinds.find((name) => name === options.tokenizer) ?? 'wordpiece';
  return trainTokenizer({ kind, corpus: train, vocabSize: options.vocabSize });
}
