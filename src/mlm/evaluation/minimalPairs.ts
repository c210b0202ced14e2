/**
 * Minimal pairs: two sentences that differ in what makes one of them wrong. A model passes where it finds the good one likelier
 * (Warstadt et al., "BLiMP: The Benchmark of Linguistic Minimal Pairs for English", 2020).
 */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import type { Dataset } from '../data/dataset.ts';

export interface MinimalPair {
  good: string;
  bad: string;
  /** What the pair is about. */
  group?: string;
}

/** A line of BLiMP's files; `UID` names the paradigm. */
const line = v.looseObject({
  sentence_good: v.pipe(v.string(), v.trim(), v.minLength(1)),
  sentence_bad: v.pipe(v.string(), v.trim(), v.minLength(1)),
  UID: v.optional(v.string()),
});

/**
 * JSON lines with `sentence_good`, `sentence_bad` and perhaps `UID`; by the ending `.tsv` of `source` columns of that order, under a header or
 * without. Throws ClozeError `input` naming the line at fault.
 */
export function parsePairs(text: string, source: string): MinimalPair[] {
  const columns = /\.tsv$/i.test(source);
  const pairs = text.split(/\r?\n/).flatMap((raw, index) => {
    if (raw.trim() === '') return [];
    const cells = raw.split('\t').map((cell) => cell.trim());
    if (columns && index === 0 && cells[0] === 'sentence_good') return [];
    const [sentence_good, sentence_bad, UID] = cells;
    const result = v.safeParse(line, columns ? { sentence_good, sentence_bad, UID } : json(raw));
    if (result.success) {
      const { sentence_good: good, sentence_bad: bad, UID: group } = result.output;
      return [{ good, bad, group }];
    }
    const [{ path, message }] = result.issues;
    const field = path ? `${path.map(({ key }) => String(key)).join('.')}: ` : '';
    throw new ClozeError(
      'input',
      `${source}, line ${index + 1}: ${field}${message}`,
      columns
        ? 'Write the good sentence, a tab, and the bad one'
        : 'Write {"sentence_good": …, "sentence_bad": …}',
    );
  });
  if (pairs.length > 0) return pairs;
  throw new ClozeError('input', `${source} holds no pair`, 'Give a file of BLiMP');
}

function json(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** How often the good sentence of a pair has the higher score. */
export interface PairScore {
  pairs: number;
  /** Pairs whose sentences score alike count half. */
  accuracy: number;
  /** The 95 % interval of Wilson (1927). */
  interval: [low: number, high: number];
}

/** `scores`: of the good sentences, then of the bad ones, in the same order. */
export function scorePairs(scores: ArrayLike<number>, chosen: readonly number[]): PairScore {
  const n = scores.length / 2;
  const hits = chosen.reduce((sum, i) => {
    const ahead = scores[i] - scores[n + i];
    return sum + (ahead > 0 ? 1 : ahead === 0 ? 0.5 : 0);
  }, 0);
  const accuracy = hits / chosen.length;
  return { pairs: chosen.length, accuracy, interval: wilson(accuracy, chosen.length) };
}

/** The numbers of the pairs of each group, in order of first appearance. */
export function pairGroups(pairs: readonly MinimalPair[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  pairs.forEach(({ group }, i) => {
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), i]);
  });
  return groups;
}

function wilson(share: number, n: number, z = 1.96): [number, number] {
  const middle = share + z ** 2 / (2 * n);
  const reach = z * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  return [(middle - reach) / (1 + z ** 2 / n), (middle + reach) / (1 + z ** 2 / n)];
}

/** The trivial bar: of two sentences the one with fewer tokens. */
export const lengthScores = ({ lengths }: Dataset): Float64Array =>
  Float64Array.from(lengths, (length) => -length);

/** The other: Σ ln p of each token by itself, as often as it stands in `train`, once more than counted. */
export function unigramScores(rows: Dataset, train: Dataset): Float64Array {
  const { specialIds, vocabSize } = rows.vocabulary;
  const counts = new Float64Array(vocabSize).fill(1);
  for (let i = 0; i < train.size; i++) for (const id of train.row(i)) counts[id]++;
  for (const id of specialIds) counts[id] = 0;
  const total = counts.reduce((sum, count) => sum + count, 0);
  return Float64Array.from({ length: rows.size }, (_, i) =>
    rows.row(i).reduce((sum, id) => sum + (specialIds.has(id) ? 0 : Math.log(counts[id] / total)), 0),
  );
}
