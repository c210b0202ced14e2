/** The synthetic languages by name, and their floor on the very batches that a model is evaluated on. */
import { ClozeError } from '../../gpu/errors.ts';
import { type Batch, type RestoredRow, restoredRows } from './batch.ts';
import { clock } from './synthetic/clock.ts';
import { copy } from './synthetic/copy.ts';
import { type ExactLoss, exactCausalLoss, exactLoss, type SyntheticLanguage } from './synthetic/language.ts';

export { clock, clockEntropyRate } from './synthetic/clock.ts';
export { copy } from './synthetic/copy.ts';
export { type ExactLoss, exactCausalLoss, exactLoss, type SyntheticLanguage } from './synthetic/language.ts';

const languages: Readonly<Record<string, () => SyntheticLanguage>> = { clock, copy };

/** The language called `name`. Throws ClozeError `input` for a name that is none. */
export function syntheticLanguage(name: string): SyntheticLanguage {
  if (!Object.hasOwn(languages, name)) {
    const known = Object.keys(languages).map((key) => `synthetic:${key}`);
    throw new ClozeError('input', `There is no synthetic language "${name}"`, `Use ${known.join(' or ')}.`);
  }
  return languages[name]();
}

/** What an evaluation needs to know of a tokenizer: its mask, and how its tokens are written. */
export interface SymbolVocabulary {
  readonly special: { readonly mask: number };
  idToToken(id: number): string;
}

/**
 * The exact bar for a model on `batches`: per prediction, the loss, entropy and accuracy of the best possible predictor given
 * the same visible tokens; with weights, Σ weight · loss over the normalizer. Tokens that are no symbols ([CLS], [SEP]) stand
 * outside the document.
 * Throws ClozeError `input` when a masked position shows anything but [MASK].
 */
export function floorOnBatches(
  language: SyntheticLanguage,
  batches: Iterable<Batch>,
  vocabulary: SymbolVocabulary,
): { loss: number; entropy: number; accuracy: number; count: number } {
  const total: ExactLoss = { count: 0, loss: 0, entropy: 0, correct: 0 };
  let normalizer = 0;
  for (const batch of batches) {
    normalizer += batch.normalizer;
    for (const row of restoredRows(batch)) {
      const exact = exactOnRow(language, row, batch.attention === 'causal', vocabulary);
      total.count += row.positions.length;
      total.loss += exact.loss;
      total.entropy += exact.entropy;
      total.correct += exact.correct;
    }
  }
  const { count, loss, entropy, correct } = total;
  return { loss: loss / normalizer, entropy: entropy / normalizer, accuracy: correct / count, count };
}

/** The loss of {@link floorOnBatches}; undefined for batches of attention `prefix`, which show a document in pieces. */
export function floorLoss(
  language: SyntheticLanguage,
  batches: Iterable<Batch>,
  vocabulary: SymbolVocabulary,
): number | undefined {
  const all = [...batches];
  if (all.some(({ attention }) => attention === 'prefix')) return undefined;
  return floorOnBatches(language, all, vocabulary).loss;
}

function exactOnRow(
  language: SyntheticLanguage,
  { ids, seen, positions, weights }: RestoredRow,
  causal: boolean,
  vocabulary: SymbolVocabulary,
): ExactLoss {
  const symbols = Array.from(ids, (id) => language.alphabet.indexOf(vocabulary.idToToken(id)));
  const first = symbols.findIndex((symbol) => symbol >= 0);
  const document = symbols.filter((symbol) => symbol >= 0);
  const places = positions.map((position) => position - first);
  if (causal) return exactCausalLoss(language, document, places, weights);
  if (positions.some((position) => seen[position] !== vocabulary.special.mask)) {
    throw new ClozeError(
      'input',
      'A masked position shows a token, and the floor holds for [MASK] alone',
      'Evaluate with the replacement mask 1, random 0, keep 0.',
    );
  }
  return exactLoss(language, document, places, weights);
}
