/** Which examples a run learns from and which it is scored on. */
import { Random } from '../../kernels/random.ts';
import { streams } from '../streams.ts';
import type { FinetuneOptions } from './options.ts';
import type { TaskExample } from './task.ts';

export interface TaskData {
  /** The whole file, whatever share of it is used: what the labels are is read off it. */
  known: readonly TaskExample[];
  /** Those that are learnt from. */
  train: readonly TaskExample[];
  development: readonly TaskExample[];
}

/** Divides `examples` as the options say; with `development`, none of them is held out. */
export function divide(
  examples: readonly TaskExample[],
  development: readonly TaskExample[] | undefined,
  options: Pick<FinetuneOptions, 'validation' | 'labelFraction' | 'shuffleLabels' | 'seed'>,
): TaskData {
  const { validation, labelFraction, shuffleLabels, seed } = options;
  let rest = examples;
  let held = development;
  if (!held) {
    const order = sample(examples, 1, 0);
    const count = Math.max(1, Math.round(validation * order.length));
    held = order.slice(0, count);
    rest = order.slice(count);
  }
  const chosen = labelFraction < 1 ? sample(rest, labelFraction, seed) : rest;
  const train = shuffleLabels ? withShuffledLabels(chosen, seed) : chosen;
  return { known: examples, train, development: held };
}

/** Examples in a random order, of which `share` are kept: the first of them with one seed are among the more with the same. */
export function sample(examples: readonly TaskExample[], share: number, seed: number): TaskExample[] {
  const order = examples.map((_, i) => i);
  new Random(seed, streams.split).shuffle(order);
  return order.slice(0, Math.max(1, Math.round(share * examples.length))).map((i) => examples[i]);
}

/** The same examples with the labels of others: what can be learnt from them is chance, and the control is that it is. */
export function withShuffledLabels(examples: readonly TaskExample[], seed: number): TaskExample[] {
  const all = examples.flatMap(({ labels }) => labels);
  new Random(seed, streams.split + 1).shuffle(all);
  let at = 0;
  return examples.map((example) => ({ ...example, labels: example.labels.map(() => all[at++]) }));
}
