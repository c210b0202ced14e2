/**
 * A synthetic language: documents drawn from a known source, for which the best possible masked language model
 * can be written down. What that model loses is the floor: no trained model goes below it but by chance.
 *
 * Floors hold for pure masking, where every chosen position shows [MASK]. Under 80/10/10 some visible tokens are
 * false and the floor is another one, so a model trained that way is still evaluated with pure [MASK].
 */
export interface SyntheticLanguage {
  readonly name: string;
  /** Symbol number i is written as the character `alphabet[i]`. */
  readonly alphabet: string;
  /** Symbols in a document. */
  readonly length: number;

  /** `count` documents, each a pure function of (seed, its index). */
  documents(options: { count: number; seed: number }): string[];

  /** The least loss in nats per masked token when every position is masked with probability `rate`. */
  floor(rate: number): number;

  /** The greatest masked accuracy under the same masks. */
  accuracy(rate: number): number;

  /**
   * What the visible symbols of one document say of its masked ones: a distribution over the alphabet for each of
   * `masked`, which are positions in ascending order. The symbols at those positions are not looked at.
   */
  posteriors(symbols: ArrayLike<number>, masked: ArrayLike<number>): Float64Array[];
}

/** Sums over predictions, each times its weight but for `correct`; divide by `count` where all weights are 1. */
export interface ExactLoss {
  count: number;
  /** −ln p(true symbol) of the Bayes-optimal predictor, in nats: the bar for a model on these very masks. */
  loss: number;
  /** The entropy of its distributions: what `loss` is on average over documents that look the same. */
  entropy: number;
  /** Hits of its most probable symbol; the first one where several are. */
  correct: number;
}

/** What the Bayes-optimal predictor loses on one document, all of whose masked positions show [MASK]. */
export function exactLoss(
  language: SyntheticLanguage,
  symbols: ArrayLike<number>,
  masked: ArrayLike<number>,
  weights?: ArrayLike<number>,
): ExactLoss {
  const total: ExactLoss = { count: masked.length, loss: 0, entropy: 0, correct: 0 };
  language.posteriors(symbols, masked).forEach((p, i) => {
    enter(total, p, symbols[masked[i]], weights?.[i]);
  });
  return total;
}

/**
 * What it loses on the symbols at `positions`, each given all before it. A position behind the document's last symbol, its
 * end, counts as known.
 */
export function exactCausalLoss(
  language: SyntheticLanguage,
  symbols: ArrayLike<number>,
  positions: ArrayLike<number>,
  weights?: ArrayLike<number>,
): ExactLoss {
  const total: ExactLoss = { count: positions.length, loss: 0, entropy: 0, correct: 0 };
  Array.from(positions).forEach((at, i) => {
    if (at >= symbols.length) {
      total.correct++;
      return;
    }
    const unknown = Array.from({ length: symbols.length - at }, (_, ahead) => at + ahead);
    enter(total, language.posteriors(symbols, unknown)[0], symbols[at], weights?.[i]);
  });
  return total;
}

function enter(total: ExactLoss, p: Float64Array, truth: number, weight = 1): void {
  let best = 0;
  for (let x = 0; x < p.length; x++) {
    if (p[x] > 0) total.entropy -= weight * p[x] * Math.log(p[x]);
    if (p[x] > p[best]) best = x;
  }
  total.loss -= weight * Math.log(p[truth]);
  if (best === truth) total.correct++;
}
