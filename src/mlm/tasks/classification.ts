/** One label for a text: topics, questions, intents, sentiment. */
import type { Tokenizer } from '../tokenizer/index.ts';
import { type EncodedLabels, labelTask } from './labels.ts';
import { accuracy, macroF1 } from './metrics/classification.ts';
import { isJsonLines, parseTextLines } from './readers/jsonLines.ts';
import { parseLabelledTexts } from './readers/labelledTexts.ts';
import { mostFrequent, type Task, type TaskExample } from './task.ts';

/** The first token answers for the whole text (Devlin et al., "BERT", 2019). */
export function encodeText({ text }: TaskExample, tokenizer: Tokenizer, T: number): EncodedLabels {
  const { ids } = tokenizer.encode(text, { maxLength: T, truncation: 'longest_first' });
  return { inputIds: Uint32Array.from(ids), positions: [0], items: [0] };
}

/** Predicts the label that is most frequent in training. */
export const majority: Task['baseline'] = {
  name: 'majority',
  predict: (train, examples) => {
    const label = mostFrequent(train.flatMap(({ labels }) => labels)) ?? '';
    return examples.map(() => [label]);
  },
};

export const classification = labelTask({
  name: 'classification',
  description:
    'one label for a text: .csv with a header, .tsv of text and label, or lines of "label text"; or .jsonl',
  head: 'sequence',
  parse: (text, source) => (isJsonLines(source) ? parseTextLines : parseLabelledTexts)(text, source),
  ask: (line) => ({ text: line, labels: [] }),
  encode: encodeText,
  score: (gold, predicted) => {
    const [truth, answers] = [gold.flat(), predicted.flat()];
    return { accuracy: accuracy(truth, answers), macro_f1: macroF1(truth, answers) };
  },
  baseline: majority,
});
