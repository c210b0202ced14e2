/** Which examples a run learns from and which it is scored on. */
import { Random } from '../../kernels/random.ts';
import { streams } from '../data/streams.ts';
import type { FinetuneOptions } from './options.ts';
import type { Task, TaskExample } from './task.ts';

export interface TaskData {
  /** The whole file, whatever share of it is used: what the labels are is read off it. */
  known: readonly TaskExample[];
  /** Those that are learnt from. */
  train: readonly TaskExample[];
  development: readonly TaskExample[];
}

/** Divides `examples` as the options say; with `development`, none of them is held out. `together`: see `Task`. */
export function divide(
  examples: readonly TaskExample[],
  development: readonly TaskExample[] | undefined,
  options: Pick<FinetuneOptions, 'validation' | 'labelFraction' | 'shuffleLabels' | 'seed'>,
  together?: Task['together'],
): TaskData {
  const { validation, labelFraction, shuffleLabels, seed } = options;
  const [held, rest] = development ? [development, examples] : holdOut(examples, validation, together);
  const chosen = labelFraction < 1 ? sample(rest, labelFraction, seed) : rest;
  const train = shuffleLabels ? withShuffledLabels(chosen, seed) : chosen;
  return { known: examples, train, development: held };
}

/** A share of the examples, and the others. */
function holdOut(
  examples: readonly TaskExample[],
  share: number,
  together?: Task['together'],
): [held: TaskExample[], rest: TaskExample[]] {
  const order = sample(examples, 1, 0);
  const count = Math.max(1, Math.round(share * order.length));
  const held = order.slice(0, count);
  if (!together) return [held, order.slice(count)];
  const keys = order.map(together);
  const sizes = new Map<string | undefined, number>();
  for (const key of keys) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  const chosen = new Set<string | undefined>();
  let total = 0;
  for (const [key, size] of sizes) {
    if (total >= count) break;
    chosen.add(key);
    total += size;
  }
  return [order.filter((_, i) => chosen.has(keys[i])), order.filter((_, i) => !chosen.has(keys[i]))];
}

/** Examples in a random order, of which `share` are kept: the first of them with one seed are among the more with the same. */
export function sample(examples: readonly TaskExample[], share: number, seed: number): TaskExample[] {
  const order = examples.map((_, i) => i);
  new Random(seed, streams.split).shuffle(order);
  return order.slice(0, Math.max(1, Math.round(share * examples.length))).map((i) => examples[i]);
}

/**
 * The same examples with the labels of others: what can be learnt from them is chance, and the control is that it is. Parts of a text are
 * exchanged among the questions about it.
 */
export function withShuffledLabels(examples: readonly TaskExample[], seed: number): TaskExample[] {
  const groups = new Map<string | undefined, { label: string; start: number | undefined }[]>();
  const keyOf = ({ starts, pair }: TaskExample) => (starts ? pair : undefined);
  for (const example of examples) {
    const group = groups.get(keyOf(example)) ?? [];
    group.push(...example.labels.map((label, i) => ({ label, start: example.starts?.[i] })));
    groups.set(keyOf(example), group);
  }
  const random = new Random(seed, streams.split + 1);
  for (const group of groups.values()) random.shuffle(group);
  return examples.map((example) => {
    const own = (groups.get(keyOf(example)) ?? []).splice(0, example.labels.length);
    const labels = own.map(({ label }) => label);
    return { ...example, labels, ...(example.starts && { starts: own.map(({ start }) => start as number) }) };
  });
}
