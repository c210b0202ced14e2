/**
 * What counting n-grams achieves on batches whose predictions see the tokens before them: the bar for causal models and for
 * the targets of sequence-to-sequence ones. The n-grams are counted in what the same objective makes of the training rows.
 */
import type { Batch } from '../../data/batch.ts';
import { ignoreIndex } from '../../data/batch.ts';
import { type Dataset, rowOf } from '../../data/dataset.ts';
import type { CountedScore, Objective } from '../../objectives/objective.ts';
import { Context, type Question, score } from './counts.ts';

export interface NgramOptions {
  /** The longest n-gram, the predicted token included. Default 5. */
  order?: number;
}

/** Counts on the rows of `train` and scores on `evaluation`. */
export function ngramBaselines(
  train: Dataset,
  evaluation: Iterable<Batch>,
  objective: Pick<Objective, 'evaluation' | 'extraTokens'>,
  { order = 5 }: NgramOptions = {},
): { unigram: CountedScore; ngrams: CountedScore } {
  const vocabSize = train.vocabulary.vocabSize + objective.extraTokens;
  const root = new Context();
  const questions: Question[] = [];
  let normalizer = 0;
  for (const { T, M, inputIds, maskedPositions, labels, weights, ...batch } of evaluation) {
    normalizer += batch.normalizer;
    labels.forEach((truth, place) => {
      if (truth === ignoreIndex) return;
      const at = maskedPositions[place];
      const first = Math.floor(place / M) * T;
      const contexts = [...before(inputIds, first, at, order)].reduce<Context[]>((made, token) => {
        made.push((made[made.length - 1] ?? root).open(token));
        return made;
      }, []);
      questions.push({ truth, weight: weights?.[place] ?? 1, contexts });
    });
  }
  const key = { seed: 0, epoch: 0, progress: 1 };
  for (let index = 0; index < train.size; index++) {
    const quantile = ((index * 0.618_034) % 1) as number;
    const row = rowOf(train, index);
    const { inputIds, positions, labels } = objective.evaluation.apply(row, train.T, {
      ...key,
      index,
      quantile,
    });
    for (let i = 0; i < positions.length; i++) {
      let context: Context | undefined = root;
      context.add(labels[i]);
      for (const token of before(inputIds, 0, positions[i], order)) {
        context = context.children.get(token);
        if (!context) break;
        context.add(labels[i]);
      }
    }
  }
  const uniform = new Float64Array(vocabSize).fill(1 / vocabSize);
  const { unigram, context } = score(uniform, root, questions, normalizer);
  return { unigram, ngrams: context };
}

/** The tokens from position `at` back to `first`, at most order − 1 of them. */
function* before(ids: Uint32Array, first: number, at: number, order: number): Generator<number> {
  for (let i = at; i >= first && i > at - (order - 1); i--) yield ids[i];
}
