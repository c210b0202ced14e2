/** Summarisation, scored by ROUGE; and by exact matches, which mean something where a summary follows from its text. */
import { storySummary } from './corpora/storySummaries.ts';
import { accuracy } from './metrics/classification.ts';
import { rouge } from './metrics/rouge.ts';
import { parseJsonl, textField } from './readers/jsonl.ts';
import { writingTask } from './sequenceToSequence.ts';
import type { TaskExample } from './task.ts';

export const summarization = writingTask({
  name: 'summarization',
  description: 'a summary of a text: .jsonl with text and summary',
  parse: (text, source) =>
    parseJsonl(text, source, { text: textField, summary: textField }).map(({ text, summary }) => ({
      text,
      labels: [summary],
    })),
  ask: (line) => ({ text: line, labels: [] }),
  generate: (count, seed) =>
    Array.from({ length: count }, (_, index) => {
      const { text, summary } = storySummary(seed, index);
      return { text, labels: [summary] };
    }),
  score: (gold, predicted) => {
    const [references, hypotheses] = [gold.flat(), predicted.flat()];
    return { ...rouge(hypotheses, references), exact_match: accuracy(references, hypotheses) };
  },
  signatures: () => ({ rouge: 'rouge_score:F1|stemmer:no|mean over texts' }),
  record: (summary) => ({ summary }),
  baseline: {
    name: 'lead sentences',
    /** As many of the first sentences of a text as summaries have on average. */
    predict: (train, examples) => {
      const counts = train.map(({ labels: [summary] }) => sentencesOf(summary).length);
      const mean = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length);
      const lead = ({ text }: TaskExample) => sentencesOf(text).slice(0, Math.max(1, Math.round(mean)));
      return examples.map((example) => [lead(example).join('').trim()]);
    },
  },
});

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });

const sentencesOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);
