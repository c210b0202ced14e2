/**
 * What counting alone achieves on the batches that a model is evaluated on: bars that a neural model must beat
 * before anyone should believe that it uses context.
 *
 * `unigram` knows how frequent each token is. `neighbours` knows in addition which token stood between the same
 * visible neighbours in the training text: first the nearest neighbour, then the two nearest, and so on to the edge
 * of a window. Each longer context is mixed with the shorter one by the rule of Witten and Bell (1991):
 * p(x | c) = (n(c, x) + t(c) · p(x | shorter c)) / (n(c) + t(c)), where t counts the distinct tokens seen in c.
 */
import { type Batch, type RestoredRow, restoredRows } from './batch.ts';
import { type Dataset, rowOf, type TokenVocabulary } from './dataset.ts';

/** Loss in nats per masked token, and the share of right guesses. */
export interface Baseline {
  loss: number;
  accuracy: number;
}

export interface Baselines {
  unigram: Baseline;
  neighbours: Baseline;
  /** The masked tokens that both were scored on. */
  count: number;
}

export interface BaselineOptions {
  /** How far a neighbour may be away, on either side. Default 3; farther ones are too rarely seen twice to help. */
  window?: number;
}

/**
 * A context: some visible neighbours, the nearest first. Its children hold one more, farther away. The tree contains
 * only contexts that the evaluation asks for, which keeps counting fast and small for any vocabulary.
 */
class Context {
  /** Keyed by place · vocabSize + token. */
  readonly children = new Map<number, Context>();
  /** How often each token stood in this context. */
  readonly counts = new Map<number, number>();
  total = 0;

  add(token: number): void {
    this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
    this.total++;
  }
}

/** Counts on the rows of `train` and scores on `evaluation`, whose batches may be masked in any way. */
export function countBaselines(
  train: Dataset,
  evaluation: Iterable<Batch>,
  { window = 3 }: BaselineOptions = {},
): Baselines {
  const { vocabulary } = train;
  const { vocabSize } = vocabulary;
  const places = Array.from({ length: 2 * window }, (_, i) => (i % 2 === 0 ? -1 : 1) * ((i >> 1) + 1));
  const root = new Context();

  const questions: Question[] = [];
  for (const batch of evaluation) {
    for (const row of restoredRows(batch)) {
      for (const position of row.positions) {
        questions.push(ask(root, row, position, places, vocabulary));
      }
    }
  }
  for (let index = 0; index < train.size; index++) count(root, rowOf(train, index), places, vocabulary);

  const unigram = { loss: 0, hits: 0 };
  const neighbours = { loss: 0, hits: 0 };
  const ordinary = Uint8Array.from({ length: vocabSize }, (_, id) => (vocabulary.specialIds.has(id) ? 0 : 1));
  const p0 = Float64Array.from(ordinary, (one) => one / (vocabSize - vocabulary.specialIds.size));
  mix(p0, root);
  const best0 = argmax(p0);
  for (const { truth, contexts } of questions) {
    unigram.loss -= Math.log(p0[truth]);
    if (best0 === truth) unigram.hits++;
    const p = p0.slice();
    for (const context of contexts) mix(p, context);
    neighbours.loss -= Math.log(p[truth]);
    if (argmax(p) === truth) neighbours.hits++;
  }
  const mean = ({ loss, hits }: { loss: number; hits: number }): Baseline => ({
    loss: loss / questions.length,
    accuracy: hits / questions.length,
  });
  return { unigram: mean(unigram), neighbours: mean(neighbours), count: questions.length };
}

interface Question {
  truth: number;
  /** From the nearest visible neighbour to all of them. */
  contexts: Context[];
}

/** Enters the contexts of one masked position into the tree. A neighbour that shows [MASK] is skipped. */
function ask(
  root: Context,
  { ids, seen }: RestoredRow,
  position: number,
  places: readonly number[],
  { vocabSize, special }: TokenVocabulary,
): Question {
  const contexts: Context[] = [];
  let context = root;
  places.forEach((place, i) => {
    const neighbour = seen[position + place];
    if (neighbour === undefined || neighbour === special.mask) return;
    const key = i * vocabSize + neighbour;
    const child = context.children.get(key) ?? new Context();
    context.children.set(key, child);
    contexts.push(child);
    context = child;
  });
  return { truth: ids[position], contexts };
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

/** Turns the distribution of the shorter context into that of `context`, in place. */
function mix(p: Float64Array, { counts, total }: Context): void {
  if (total === 0) return;
  const distinct = counts.size;
  const share = distinct / (total + distinct);
  for (let x = 0; x < p.length; x++) p[x] *= share;
  for (const [token, n] of counts) p[token] += n / (total + distinct);
}

function argmax(p: Float64Array): number {
  let best = 0;
  for (let x = 1; x < p.length; x++) if (p[x] > p[best]) best = x;
  return best;
}
