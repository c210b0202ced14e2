/**
 * What a downstream task is: how its files are read, how an example is put to the model, and how answers are scored. One
 * label for a text, or one for each of its words: both are a list of labels here, so that all else is the same.
 */
import type { Tokenizer } from '../tokenizer/index.ts';

export interface TaskExample {
  /** The text as it stands, or its words joined by blanks. */
  text: string;
  /** Where each word has a label: the words. */
  words?: readonly string[];
  /** One for the text, or one for each word; empty where it is not known. */
  labels: readonly string[];
}

/** An example as the model reads it. */
export interface EncodedExample {
  /** At most T of them. */
  inputIds: Uint32Array;
  /** The tokens whose states predict a label, and the index of the label that each predicts. */
  positions: readonly number[];
  items: readonly number[];
}

/** Shares between 0 and 1 by the name of the metric; the first is the one to quote. */
export type TaskScores = Readonly<Record<string, number>>;

export interface Task {
  readonly name: string;
  readonly description: string;
  readonly head: 'sequence' | 'token';
  /** Examples with labels from the text of a file. Throws ClozeError `input` naming `source` and the line at fault. */
  parse(text: string, source: string): TaskExample[];
  /** An example without labels from one line that a user wrote. */
  ask(line: string): TaskExample;
  /** A text that leaves no room for all of it is cut off at its end. */
  encode(example: TaskExample, tokenizer: Tokenizer, T: number): EncodedExample;
  /** The label of what was cut off; undefined where nothing can be. */
  readonly fallback?: string;
  /** `gold` and `predicted`: the labels of each example. */
  score(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): TaskScores;
  readonly baseline: {
    readonly name: string;
    /** What it predicts for each of `examples`, having seen `train`. */
    predict(train: readonly TaskExample[], examples: readonly TaskExample[]): string[][];
  };
}

/** The most frequent of `values`, the first to come among equals. */
export function mostFrequent(values: Iterable<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: string | undefined;
  for (const [value, count] of counts)
    if (best === undefined || count > (counts.get(best) ?? 0)) best = value;
  return best;
}
