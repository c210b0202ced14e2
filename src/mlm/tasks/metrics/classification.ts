/** Accuracy and macro F1, as scikit-learn's `accuracy_score` and `f1_score(average="macro")` compute them. */

export function accuracy(gold: readonly string[], predicted: readonly string[]): number {
  return gold.length === 0 ? 0 : gold.filter((label, i) => label === predicted[i]).length / gold.length;
}

/** Of labels by word. */
export function tokenAccuracy(
  gold: readonly (readonly string[])[],
  predicted: readonly (readonly string[])[],
): number {
  return accuracy(gold.flat(), predicted.flat());
}

/** The mean F1 of all labels that occur among the truths or the predictions; 0 for one that is never right. */
export function macroF1(gold: readonly string[], predicted: readonly string[]): number {
  const labels = new Set([...gold, ...predicted]);
  let sum = 0;
  for (const label of labels) {
    const right = gold.filter((truth, i) => truth === label && predicted[i] === label).length;
    sum += f1(right, count(predicted, label), count(gold, label));
  }
  return labels.size === 0 ? 0 : sum / labels.size;
}

/** The harmonic mean of precision and recall: 2 · right / (predicted + wanted). */
export function f1(right: number, predicted: number, wanted: number): number {
  return predicted + wanted === 0 ? 0 : (2 * right) / (predicted + wanted);
}

function count(labels: readonly string[], label: string): number {
  return labels.filter((other) => other === label).length;
}
