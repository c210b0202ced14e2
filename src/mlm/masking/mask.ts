/**
 * Dynamic masking (Devlin et al., "BERT", 2019; Liu et al., "RoBERTa", 2019): some tokens of a row are chosen to be
 * predicted; most of them are shown as [MASK], some as a random token, some as they are. A mask is a pure
 * function of (seed, epoch, index of the row), so every epoch sees another one and a resumed run sees the same.
 * Special tokens are never chosen and never drawn as a random token.
 */
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { streams } from '../data/streams.ts';
import { bertReplacement, checkReplacement, drawShown, type Replacement, shownId } from './replacement.ts';
import { maxSelected, type SelectionOptions, select } from './selection.ts';
import type { Range } from './words.ts';

export interface MaskingOptions extends SelectionOptions {
  /** Default {@link bertReplacement}. Decided for each token by itself, but with `span` once for a span. */
  replace?: Replacement;
}

/** What a mask is a function of. */
export interface MaskKey {
  seed: number;
  epoch: number;
  /** The number of the row in its dataset. */
  index: number;
}

export interface MaskedRow {
  /** The row as the model sees it. */
  inputIds: Uint32Array;
  /** Positions to predict, ascending. */
  positions: Uint32Array;
  /** The true ids at `positions`. */
  labels: Uint32Array;
  /** The same positions as runs that were chosen together, in the order in which they were drawn. */
  spans: Range[];
}

/** Throws ClozeError `option` when the options or the vocabulary allow no mask. */
export function checkMasking(
  { rate, replace = bertReplacement }: MaskingOptions,
  vocabulary: TokenVocabulary,
): void {
  if (!(rate > 0 && rate <= 1)) {
    throw new ClozeError('option', `The mask rate is ${rate}`, 'Use a number above 0 and at most 1.');
  }
  checkReplacement(replace, vocabulary);
}

/** Masks one row, `ids` without padding, of a dataset whose rows have T places. Leaves `ids` as they are. */
export function maskRow(
  ids: Uint32Array,
  T: number,
  vocabulary: TokenVocabulary,
  options: MaskingOptions,
  { seed, epoch, index }: MaskKey,
): MaskedRow {
  const { replace = bertReplacement, selection } = options;
  const random = new Random(seed, streams.masks + epoch, index);
  const spans = select(ids, vocabulary, options, random).slice(0, maxSelected(T, options)).flat();
  const together = selection === 'span';
  const inputIds = ids.slice();
  const positions: number[] = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    let shown = drawShown(replace, random);
    for (let at = start; at < end; at++) {
      if (at > start && !together) shown = drawShown(replace, random);
      inputIds[at] = shownId(shown, ids[at], vocabulary, random);
      positions.push(at);
    }
  }
  return {
    inputIds,
    positions: Uint32Array.from(positions),
    labels: Uint32Array.from(positions, (position) => ids[position]),
    spans,
  };
}
