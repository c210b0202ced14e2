/** How the slots of a dialogue are scored: what the user wants, turn by turn. */
import type { Slots } from '../dialogueAnswer.ts';
import { f1 } from './classification.ts';

/**
 * `slot_match`: the share of turns whose slots are all right and none too many (joint goal accuracy: Henderson et al., "The Second Dialog
 * State Tracking Challenge", 2014). `slot_f1`: of single slots with their values, over all turns. Case and blanks do not count,
 * since a tokenizer may lose them.
 */
export function slotScores(
  gold: readonly Slots[],
  predicted: readonly Slots[],
): { slot_match: number; slot_f1: number } {
  let [matches, right, found, wanted] = [0, 0, 0, 0];
  gold.forEach((slots, i) => {
    const truth = pairsOf(slots);
    const answers = pairsOf(predicted[i]);
    const hits = [...truth].filter((pair) => answers.has(pair)).length;
    if (hits === truth.size && hits === answers.size) matches++;
    right += hits;
    found += answers.size;
    wanted += truth.size;
  });
  return { slot_match: matches / Math.max(1, gold.length), slot_f1: f1(right, found, wanted) };
}

function pairsOf(slots: Slots): Set<string> {
  return new Set(
    Object.entries(slots).map((pair) => pair.map((part) => part.replace(/\s+/g, '').toLowerCase()).join('=')),
  );
}
