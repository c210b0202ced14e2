/** All that an evaluation tells of a model: the loss of its objective, and what else can be measured of it. */
import type { Engine } from '../../autograd/index.ts';
import type { Batch } from '../data/batch.ts';
import { type EvaluationOptions, evaluationBatches } from '../data/evaluationSet.ts';
import type { ScoredText, Session } from '../data/session.ts';
import { causalCorruption } from '../objectives/causal.ts';
import type { Objective, Trainee } from '../objectives/objective.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import type { Baselines, Score } from '../training/events.ts';
import type { BarObjective } from './baselines/index.ts';
import { evaluate } from './evaluate.ts';
import { pseudoLikelihoodBatches, textBytes } from './pseudoLikelihood.ts';

export interface Measure extends Score {
  /** What was measured: the objective's name, `causal` or `pll`. */
  name: string;
  /** What the loss is measured in. */
  unit: string;
  /** exp(loss): of `pll` PPPL, of `diffusion` an upper bound. */
  perplexity: number;
  /** Predictions that were scored. */
  predictions: number;
  /** Where the loss is that of every token: all of it over the bytes of the text, in bits. */
  bitsPerByte?: number;
  /** What counting achieves on the same predictions; null where there is no text to count in. */
  baselines: Baselines | null;
  /** The least possible loss, where it is known. */
  floor?: number;
}

export interface MeasureOptions extends EvaluationOptions {
  maskSeed: number;
  /** Also the pseudo-log-likelihood, of models that predict hidden tokens. */
  pll?: boolean;
}

type Text = ScoredText & Partial<Pick<Session, 'baselines'>>;

/**
 * Measures a model on a text. Models that are trained on two tasks are measured on both. Dropout is off; equal mask seeds score
 * equal masks.
 */
export async function measure(
  engine: Engine,
  trainee: Trainee,
  {
    text,
    objective,
    tokenizer,
    options,
  }: {
    text: Text;
    objective: Objective;
    tokenizer: Tokenizer;
    options: MeasureOptions;
  },
): Promise<Measure[]> {
  const batches = evaluationBatches(text, objective, options, options.maskSeed);
  const rows = batches.flatMap((batch) => [...batch.rows]).filter((row) => row >= 0);
  const bytes = textBytes(text.validation, rows, tokenizer);

  const of = async (
    kind: BarObjective & Pick<Objective, 'name' | 'unit'>,
    make: () => Iterable<Batch>,
    everyToken: boolean,
  ): Promise<Measure> => {
    const totals = { predictions: 0, normalizer: 0 };
    const counted = function* () {
      for (const batch of make()) {
        totals.predictions += batch.count;
        totals.normalizer += batch.normalizer;
        yield batch;
      }
    };
    const score = await evaluate(engine, trainee, counted());
    return {
      name: kind.name,
      unit: kind.unit,
      ...score,
      perplexity: Math.exp(score.loss),
      predictions: totals.predictions,
      ...(everyToken && { bitsPerByte: (score.loss * totals.normalizer) / (Math.LN2 * bytes) }),
      baselines: text.baselines?.(make(), kind) ?? null,
      floor: kind.asBar ? undefined : text.floor?.(make()),
    };
  };

  const measures = [await of(objective, () => batches, ['causal', 'diffusion'].includes(objective.name))];
  if (objective.name === 'hybrid') {
    const evaluation = causalCorruption(text.validation.vocabulary);
    const causal = {
      ...objective,
      name: 'causal',
      unit: 'nats per token',
      bar: 'ngrams',
      evaluation,
    } as const;
    const own = evaluationBatches(text, causal, options, options.maskSeed);
    measures.push(await of(causal, () => own, true));
  }
  if (options.pll) {
    const { evaluation } = objective;
    const size = Math.max(1, options.batchSize / options.accumulation);
    const alone = () => pseudoLikelihoodBatches(text.validation, rows, evaluation, size);
    measures.push(await of({ ...objective, name: 'pll' }, alone, true));
  }
  return measures;
}
