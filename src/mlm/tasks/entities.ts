/** Named entities: a BIO tag for each word, predicted by the word's first token (Devlin et al., "BERT", 2019, section 5.3). */
import type { Tokenizer } from '../tokenizer/index.ts';
import { type EncodedLabels, labelTask } from './labels.ts';
import { tokenAccuracy } from './metrics/classification.ts';
import { entityScores } from './metrics/entities.ts';
import { parseConll } from './readers/conll.ts';
import { isJsonLines, parseWordLines } from './readers/jsonLines.ts';
import { mostFrequent, type TaskExample } from './task.ts';

function encodeWords({ words = [] }: TaskExample, tokenizer: Tokenizer, T: number): EncodedLabels {
  const { cls, sep, unk } = tokenizer.special;
  const ids = [cls];
  const positions: number[] = [];
  const items: number[] = [];
  for (const [item, word] of words.entries()) {
    const tokens = tokenizer.encodeToIds(word);
    const pieces = tokens.length > 0 ? [...tokens] : [Math.max(unk, 0)];
    if (ids.length + pieces.length > T - 1) break;
    positions.push(ids.length);
    items.push(item);
    ids.push(...pieces);
  }
  return { inputIds: Uint32Array.from([...ids, sep]), positions, items };
}

export const entities = labelTask({
  name: 'ner',
  description:
    'named entities: CoNLL lines of a word and its BIO tag, an empty line between sentences; or .jsonl',
  head: 'token',
  parse: (text, source) => (isJsonLines(source) ? parseWordLines : parseConll)(text, source),
  ask: (line) => {
    const words = line.trim().split(/\s+/);
    return { text: words.join(' '), words, labels: [] };
  },
  encode: encodeWords,
  fallback: 'O',
  score: (gold, predicted) => ({
    ...entityScores(gold, predicted),
    token_accuracy: tokenAccuracy(gold, predicted),
  }),
  baseline: {
    name: 'dictionary',
    /** Each word's most frequent tag in training, O for a word that is not there. */
    predict: (train, examples) => {
      const tags = new Map<string, string[]>();
      for (const { words = [], labels } of train) {
        words.forEach((word, i) => {
          const known = tags.get(word);
          if (known) known.push(labels[i]);
          else tags.set(word, [labels[i]]);
        });
      }
      const best = new Map([...tags].map(([word, list]) => [word, mostFrequent(list) ?? 'O']));
      return examples.map(({ words = [] }) => words.map((word) => best.get(word) ?? 'O'));
    },
  },
});
