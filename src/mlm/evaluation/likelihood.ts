/**
 * How likely a model finds whole texts: the log-likelihood of a model that reads left to right, the pseudo-log-likelihood of one that fills
 * blanks (Salazar et al., "Masked Language Model Scoring", 2020). Special tokens are not scored.
 */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/errors.ts';
import { BertForMaskedLM } from '../bert/heads.ts';
import { checkLength } from '../bert/input.ts';
import { type Batch, batchOf, ignoreIndex } from '../data/batch.ts';
import { modelInput, uploadBatch } from '../data/batchInputs.ts';
import type { Dataset } from '../data/dataset.ts';
import { nextTokens } from '../objectives/causal.ts';
import type { Corruption, Trainee } from '../objectives/objective.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { pseudoLikelihoodBatches } from './pseudoLikelihood.ts';

/** Most logits of a batch: they are read back, 64 MiB at a time. */
const mostLogits = 1 << 24;

/** Texts as rows, each with its special tokens and as it is read elsewhere. Throws ClozeError `input` for one that is too long or empty. */
export function textRows(texts: readonly string[], tokenizer: Tokenizer, trainee: Trainee): Dataset {
  const rows = texts.map((text) => {
    const ids = Uint32Array.from(tokenizer.encode(text).ids);
    checkLength(ids.length, trainee.config);
    if (ids.some((id) => !tokenizer.specialIds.has(id))) return ids;
    throw new ClozeError('input', `${JSON.stringify(text)} has no token that could be scored`);
  });
  const lengths = Uint32Array.from(rows, ({ length }) => length);
  return {
    T: lengths.reduce((most, length) => Math.max(most, length), 1),
    size: rows.length,
    lengths,
    row: (index) => rows[index],
    vocabulary: tokenizer,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
  };
}

/**
 * Σ ln p over the tokens of each row, by what `evaluation` says of the model. Dropout is off. Throws ClozeError `input` for a model that gives
 * tokens no probability, or reads a prefix.
 */
export async function logLikelihoods(
  engine: Engine,
  trainee: Trainee,
  rows: Dataset,
  { attention, shift }: Pick<Corruption, 'attention' | 'shift'>,
  batchSize: number,
): Promise<Float64Array> {
  const { model, config } = trainee;
  if (!(model instanceof BertForMaskedLM) || attention === 'prefix') {
    throw new ClozeError(
      'input',
      `a model trained by ${config.objective} gives texts no likelihood`,
      'Take one that fills blanks or reads left to right',
    );
  }
  model.eval();
  const batches =
    attention === 'causal'
      ? causalBatches(rows, Math.max(1, Math.min(batchSize, mostLogits / (rows.T * config.vocab_size))))
      : pseudoLikelihoodBatches(rows, rows.lengths.keys(), { attention, shift }, batchSize);
  const sums = new Float64Array(rows.size);
  for (const batch of batches) {
    const logits = engine.noGrad(() =>
      engine.scope(() => {
        const inputs = uploadBatch(engine, trainee, batch, { normalizer: 1, tokens: 1 });
        return model.forward(modelInput(inputs), inputs.maskedPositions);
      }, 'likelihood'),
    );
    const values = (await logits.data()) as Float32Array;
    const [, width] = logits.shape;
    logits.dispose();
    batch.labels.forEach((label, place) => {
      if (label === ignoreIndex) return;
      const row = batch.rows[Math.floor(place / batch.M)];
      sums[row] += logProbability(values.subarray(place * width, (place + 1) * width), label);
    });
  }
  return sums;
}

function* causalBatches(rows: Dataset, batchSize: number): Generator<Batch> {
  const { T, vocabulary } = rows;
  const shape = { T, M: Math.max(1, T - 1), attention: 'causal', shift: 1, weighted: false } as const;
  const size = Math.floor(batchSize);
  for (let start = 0; start < rows.size; start += size) {
    const chosen = Int32Array.from({ length: size }, (_, b) => (start + b < rows.size ? start + b : -1));
    const examples = Array.from(chosen, (row) => {
      if (row < 0) return undefined;
      const ids = rows.row(row);
      // With its own length for that of a row, the end is not asked for.
      return nextTokens(ids, ids.length, vocabulary);
    });
    yield batchOf(examples, chosen, shape, vocabulary);
  }
}

/** ln softmax(logits)[index]. */
export function logProbability(logits: ArrayLike<number>, index: number): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - largest);
  return logits[index] - largest - Math.log(total);
}
