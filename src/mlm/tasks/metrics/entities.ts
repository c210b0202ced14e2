/** Entity-level scores as seqeval's `mode="strict", scheme=IOB2` computes them, micro average. */
import { f1 } from './classification.ts';

/**
 * The entities of a tag sequence as `type:start:end`, end exclusive. Strict: an entity begins with B- and goes on with I- of
 * the same type; an I- that continues none belongs to no entity.
 */
export function entitySpans(tags: readonly string[]): string[] {
  const spans: string[] = [];
  let start = 0;
  let type: string | undefined;
  [...tags, 'O'].forEach((tag, i) => {
    if (type !== undefined && tag === `I-${type}`) return;
    if (type !== undefined) spans.push(`${type}:${start}:${i}`);
    type = tag.startsWith('B-') ? tag.slice(2) : undefined;
    start = i;
  });
  return spans;
}

/** Precision, recall and F1 over the entities of all sentences; 0 where nothing is predicted or there is nothing to find. */
export function entityScores(
  gold: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
): { entity_f1: number; precision: number; recall: number } {
  let [right, found, wanted] = [0, 0, 0];
  gold.forEach((tags, i) => {
    const truth = entitySpans(tags);
    const answers = new Set(entitySpans(predicted[i]));
    right += truth.filter((span) => answers.has(span)).length;
    found += answers.size;
    wanted += truth.length;
  });
  return {
    entity_f1: f1(right, found, wanted),
    precision: found === 0 ? 0 : right / found,
    recall: wanted === 0 ? 0 : right / wanted,
  };
}
