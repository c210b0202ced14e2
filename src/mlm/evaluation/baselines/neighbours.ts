/**
 * What counting alone achieves on the batches that a model is evaluated on: bars that a neural model must beat
 * before anyone should believe that it uses context.
 *
 * `unigram` knows how frequent each token is. `neighbours` knows in addition which token stood between the same
 * visible neighbours in the training text: first the nearest neighbour, then the two nearest, and so on to the edge
 * of a window.
 */
import { type Batch, type RestoredRow, restoredRows } from '../../data/batch.ts';
import { type Dataset, rowOf, type TokenVocabulary } from '../../data/dataset.ts';
import type { CountedScore } from '../../objectives/objective.ts';
import { Context, type Question, score } from './counts.ts';

export interface NeighbourBaselines {
  unigram: CountedScore;
  neighbours: CountedScore;
  /** The masked tokens that both were scored on. */
  count: number;
}

export interface BaselineOptions {
  /** How far a neighbour may be away, on either side. Default 3; farther ones are too rarely seen twice to help. */
  window?: number;
}

/** Counts on the rows of `train` and scores on `evaluation`, whose batches may be masked in any way. */
export function countBaselines(
  train: Dataset,
  evaluation: Iterable<Batch>,
  { window = 3 }: BaselineOptions = {},
): NeighbourBaselines {
  const { vocabulary } = train;
  const { vocabSize } = vocabulary;
  const places = Array.from({ length: 2 * window }, (_, i) => (i % 2 === 0 ? -1 : 1) * ((i >> 1) + 1));
  const root = new Context();

  const questions: Question[] = [];
  let normalizer = 0;
  for (const batch of evaluation) {
    normalizer += batch.normalizer;
    for (const row of restoredRows(batch)) {
      row.positions.forEach((position, i) => {
        questions.push({
          truth: row.ids[position],
          weight: row.weights[i],
          contexts: ask(root, row, position, places, vocabulary),
        });
      });
    }
  }
  for (let index = 0; index < train.size; index++) count(root, rowOf(train, index), places, vocabulary);

  const ordinary = Uint8Array.from({ length: vocabSize }, (_, id) => (vocabulary.specialIds.has(id) ? 0 : 1));
  const p0 = Float64Array.from(ordinary, (one) => one / (vocabSize - vocabulary.specialIds.size));
  const { unigram, context } = score(p0, root, questions, normalizer);
  return { unigram, neighbours: context, count: questions.length };
}

/** Enters the contexts of one masked position into the tree. A neighbour that shows [MASK] is skipped. */
function ask(
  root: Context,
  { seen }: RestoredRow,
  position: number,
  places: readonly number[],
  { vocabSize, special }: TokenVocabulary,
): Context[] {
  const contexts: Context[] = [];
  let context = root;
  places.forEach((place, i) => {
    const neighbour = seen[position + place];
    if (neighbour === undefined || neighbour === special.mask) return;
    const key = i * vocabSize + neighbour;
    context = context.open(key);
    contexts.push(context);
  });
  return contexts;
}

/** Adds every ordinary token of a row to all contexts of the tree that it stands in. */
function count(
  root: Context,
  ids: Uint32Array,
  places: readonly number[],
  vocabulary: TokenVocabulary,
): void {
  const { vocabSize, specialIds } = vocabulary;
  const visit = (context: Context, from: number, position: number): void => {
    context.add(ids[position]);
    if (context.children.size === 0) return;
    for (let i = from; i < places.length; i++) {
      const neighbour = ids[position + places[i]];
      if (neighbour === undefined) continue;
      const child = context.children.get(i * vocabSize + neighbour);
      if (child) visit(child, i + 1, position);
    }
  };
  for (let position = 0; position < ids.length; position++) {
    if (!specialIds.has(ids[position])) visit(root, 0, position);
  }
}
