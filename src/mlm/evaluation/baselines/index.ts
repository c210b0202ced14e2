/** The bars that counting sets for an objective. */
import type { Batch } from '../../data/batch.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { CountedScore, Objective } from '../../objectives/objective.ts';
import type { Baselines, Score } from '../../training/events.ts';
import { countBaselines } from './neighbours.ts';
import { ngramBaselines } from './ngrams.ts';

/** What bars depend on of an objective. */
export type BarObjective = Pick<Objective, 'bar' | 'asBar' | 'evaluation' | 'extraTokens'>;

/** Counts on the rows of `train` and scores on `evaluation`, in the measure of the objective. */
export function baselinesFor(
  train: Dataset,
  evaluation: Iterable<Batch>,
  objective: BarObjective,
): Baselines {
  const totals = { predictions: 0, tokens: 0 };
  const counted = function* () {
    for (const batch of evaluation) {
      totals.predictions += batch.count;
      totals.tokens += batch.tokens;
      yield batch;
    }
  };
  const asScore = (score: CountedScore): Score =>
    objective.asBar?.(score, totals) ?? { loss: score.loss, accuracy: score.accuracy };
  if (objective.bar === 'ngrams') {
    const { unigram, ngrams } = ngramBaselines(train, counted(), objective);
    return { unigram: asScore(unigram), ngrams: asScore(ngrams) };
  }
  const { unigram, neighbours } = countBaselines(train, counted());
  return { unigram: asScore(unigram), neighbours: asScore(neighbours) };
}
