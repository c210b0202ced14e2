/** Translation: BLEU and chrF over the corpus, as sacreBLEU computes them. */
import { bleu, bleuSignature } from './metrics/bleu.ts';
import { tokenizationFor } from './metrics/bleuTokens.ts';
import { chrf, chrfSignature } from './metrics/chrf.ts';
import { parsePairs } from './readers/pairs.ts';
import { writingTask } from './sequenceToSequence.ts';

export const translation = writingTask({
  name: 'translation',
  description: 'a translation of a sentence: .tsv of both',
  parse: parsePairs,
  ask: (line) => ({ text: line, labels: [] }),
  score: (gold, predicted) => {
    const [references, hypotheses] = [gold.flat(), predicted.flat()];
    return {
      bleu: bleu(hypotheses, references, tokenizationFor(references)).score,
      chrf: chrf(hypotheses, references),
    };
  },
  signatures: (gold) => ({ bleu: bleuSignature(tokenizationFor(gold.flat())), chrf: chrfSignature }),
  record: (translation) => ({ translation }),
  baseline: {
    name: 'copy of the source',
    predict: (_, examples) => examples.map(({ text }) => [text]),
  },
});
