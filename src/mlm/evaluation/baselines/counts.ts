/**
 * What stood in which context, counted. Each longer context is mixed with the shorter one by the rule of Witten and Bell
 * (1991): p(x | c) = (n(c, x) + t(c) · p(x | shorter c)) / (n(c) + t(c)), where t counts the distinct tokens seen in c.
 */
import type { CountedScore } from '../../objectives/objective.ts';

/**
 * A context: some tokens in view, the nearest first. Its children hold one more, farther away. Trees contain only contexts that
 * the evaluation asks for, which keeps counting fast and small for any vocabulary.
 */
export class Context {
  /** Keyed by place · vocabulary + token. */
  readonly children = new Map<number, Context>();
  /** How often each token stood in this context. */
  readonly counts = new Map<number, number>();
  total = 0;

  add(token: number): void {
    this.counts.set(token, (this.counts.get(token) ?? 0) + 1);
    this.total++;
  }

  /** The child under a key, made when there is none. */
  open(key: number): Context {
    const child = this.children.get(key) ?? new Context();
    this.children.set(key, child);
    return child;
  }
}

/** A prediction that is asked for. */
export interface Question {
  truth: number;
  /** The factor of its loss. */
  weight: number;
  /** From the nearest token in view to all of them. */
  contexts: Context[];
}

/**
 * Scores the counts: those of `root` alone over the distribution `p0`, and those of all contexts. Loss: Σ weight · −ln p over
 * `normalizer`.
 */
export function score(
  p0: Float64Array,
  root: Context,
  questions: readonly Question[],
  normalizer: number,
): { unigram: CountedScore; context: CountedScore } {
  const unigram = { loss: 0, hits: 0, confidence: 0 };
  const context = { loss: 0, hits: 0, confidence: 0 };
  const p1 = p0.slice();
  mix(p1, root);
  const best = argmax(p1);
  for (const { truth, weight, contexts } of questions) {
    unigram.loss -= weight * Math.log(p1[truth]);
    unigram.confidence += p1[truth];
    if (best === truth) unigram.hits++;
    const p = p1.slice();
    for (const longer of contexts) mix(p, longer);
    context.loss -= weight * Math.log(p[truth]);
    context.confidence += p[truth];
    if (argmax(p) === truth) context.hits++;
  }
  const mean = ({ loss, hits, confidence }: typeof unigram): CountedScore => ({
    loss: loss / normalizer,
    accuracy: hits / questions.length,
    confidence: confidence / questions.length,
  });
  return { unigram: mean(unigram), context: mean(context) };
}

/** Turns the distribution of the shorter context into that of a longer one, in place. */
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
