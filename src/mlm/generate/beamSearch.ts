/**
 * Beam search for sequence to sequence: of all beginnings of a target, the likeliest `beams` are followed up. A finished target is
 * ranked by its log-probability over length^α, its end counted (Wu et al., "Google's Neural Machine Translation System", 2016, in
 * the form that Hugging Face uses). With one beam it is greedy decoding.
 */
import type { Engine } from '../../autograd/index.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { Decoding } from './decoding.ts';
import { logProbabilities } from './sampling.ts';

export interface BeamSearchOptions {
  /** Default 4. */
  beams?: number;
  /** Most tokens of a target, its end not counted. Default: as many as the model reads behind the longest source. */
  maxTokens?: number;
  /** α; 0 ranks by probability alone, which favours short targets. Default 1. */
  lengthPenalty?: number;
}

export interface Hypothesis {
  /** The target, without the token that ends it. */
  ids: number[];
  /** ln p(target) over length^α. */
  score: number;
}

interface Beam {
  ids: number[];
  logProbability: number;
  /** Its row in the decoding. */
  row: number;
}

/** What is known of one source. */
interface Search {
  live: Beam[];
  finished: Hypothesis[];
}

/**
 * Writes a target for each source, a sequence of ids without special tokens: [CLS] source [SEP] target. Returns the hypotheses of each
 * source, at most `beams`, best first. All sources are decoded together. Throws `input` for a source that is too long.
 */
export async function beamSearch(
  engine: Engine,
  model: BertForMaskedLM,
  sources: readonly ArrayLike<number>[],
  { special, specialIds }: TokenVocabulary,
  { beams = 4, maxTokens, lengthPenalty = 1 }: BeamSearchOptions = {},
): Promise<Hypothesis[][]> {
  const end = special.sep;
  const forbidden = new Set([...specialIds].filter((id) => id !== end));
  const prompts = sources.map((source) => [special.cls, ...Array.from(source), end]);
  const longest = Math.max(...prompts.map(({ length }) => length));
  const most = maxTokens ?? Math.max(1, model.config.max_position_embeddings - longest);
  const scoreOf = (logProbability: number, length: number) => logProbability / length ** lengthPenalty;

  const searches: Search[] = sources.map((_, row) => ({
    live: [{ ids: [], logProbability: 0, row }],
    finished: [],
  }));
  const decoding = new Decoding(engine, model);
  try {
    let logits = await decoding.start(prompts, { prompt: 'prefix' });
    for (let length = 1; ; length++) {
      for (const search of searches) {
        const spread = search.live.flatMap((beam) => {
          const next = logProbabilities(logits[beam.row], forbidden);
          return best(next, 2 * beams).map((token) => ({
            token,
            beam,
            logProbability: beam.logProbability + next[token],
          }));
        });
        spread.sort((a, b) => b.logProbability - a.logProbability);
        search.live = [];
        spread.slice(0, 2 * beams).forEach(({ token, beam, logProbability }, rank) => {
          if (token !== end) {
            if (search.live.length < beams) {
              search.live.push({ ids: [...beam.ids, token], logProbability, row: beam.row });
            }
          } else if (rank < beams) {
            search.finished.push({ ids: beam.ids, score: scoreOf(logProbability, length) });
          }
        });
        search.finished.sort((a, b) => b.score - a.score).splice(beams);
        if (length >= most) giveUp(search, (beam) => scoreOf(beam.logProbability, length), beams);
        else if (isDone(search, (beam) => scoreOf(beam.logProbability, length), beams)) search.live = [];
      }
      const live = searches.flatMap((search) => search.live);
      if (live.length === 0) return searches.map(({ finished }) => finished);
      const from = Uint32Array.from(live, ({ row }) => row);
      logits = await decoding.next(
        live.map(({ ids }) => ids[ids.length - 1]),
        from,
      );
      live.forEach((beam, row) => {
        beam.row = row;
      });
    }
  } finally {
    decoding.dispose();
  }
}

/** The `count` largest, largest first, the first among equals. */
function best(values: Float64Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < values.length; id++) {
    const full = ids.length === count;
    if (values[id] === Number.NEGATIVE_INFINITY || (full && values[id] <= values[ids[count - 1]])) continue;
    let at = full ? count - 1 : ids.length;
    for (; at > 0 && values[id] > values[ids[at - 1]]; at--) ids[at] = ids[at - 1];
    ids[at] = id;
  }
  return ids;
}

/** Whether no live beam is better than the worst of `beams` finished ones. */
function isDone({ live, finished }: Search, score: (beam: Beam) => number, beams: number): boolean {
  return finished.length >= beams && live.every((beam) => score(beam) <= finished[beams - 1].score);
}

/** Ends a search whose targets may not grow: those that did not end rank behind those that did. */
function giveUp(search: Search, score: (beam: Beam) => number, beams: number): void {
  const open = search.live.map((beam) => ({ ids: beam.ids, score: score(beam) }));
  search.finished.push(...open.sort((a, b) => b.score - a.score));
  search.finished.splice(beams);
  search.live = [];
}
