/** Relation extraction: what two marked nominals of a sentence have to do with each other, and which way round. */
import { encodeText, majority } from './classification.ts';
import { labelTask } from './labels.ts';
import { accuracy } from './metrics/classification.ts';
import { relationF1 } from './metrics/relations.ts';
import { checkNominals, parseSemeval } from './readers/semeval.ts';

/**
 * The nominals between characters that every vocabulary has: $ around the first and # around the second, as Wu and He
 * mark them ("Enriching Pre-trained Language Model with Entity Information for Relation Classification", 2019).
 */
export function markNominals(text: string): string {
  return text
    .replace(/<\/?e1>/g, ' $ ')
    .replace(/<\/?e2>/g, ' # ')
    .replace(/\s+/g, ' ')
    .trim();
}

export const relations = labelTask({
  name: 'relations',
  description: 'the relation of two nominals: the form of SemEval-2010 task 8',
  head: 'sequence',
  parse: parseSemeval,
  ask: (line) => {
    checkNominals(line, JSON.stringify(line));
    return { text: line, labels: [] };
  },
  encode: (example, tokenizer, T) =>
    encodeText({ ...example, text: markNominals(example.text) }, tokenizer, T),
  score: (gold, predicted) => {
    const [truth, answers] = [gold.flat(), predicted.flat()];
    return { macro_f1: relationF1(truth, answers), accuracy: accuracy(truth, answers) };
  },
  baseline: majority,
});
