/** The official score of SemEval-2010 task 8: "(9+1)-way evaluation taking directionality into account". */
import { f1 } from './classification.ts';

const relationOf = (label: string) => label.replace(/\(.*\)$/, '');

/**
 * The mean F1 of all relations but Other. An answer is right when relation and direction are; precision and recall divide by
 * all answers and all truths of the relation, whichever their direction.
 */
export function relationF1(gold: readonly string[], predicted: readonly string[]): number {
  const relations = new Set([...gold, ...predicted].map(relationOf));
  relations.delete('Other');
  let sum = 0;
  for (const relation of relations) {
    const of = (labels: readonly string[]) => labels.filter((label) => relationOf(label) === relation).length;
    const right = gold.filter((label, i) => relationOf(label) === relation && label === predicted[i]).length;
    sum += f1(right, of(predicted), of(gold));
  }
  return relations.size === 0 ? 0 : sum / relations.size;
}
