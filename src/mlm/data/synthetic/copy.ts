/**
 * The copy language: a word of symbols drawn uniformly, written twice. A masked symbol is known for certain when
 * its twin is visible and not at all when it is masked too, so only a model that looks a whole word away learns.
 */
import { ClozeError } from '../../../gpu/errors.ts';

import { Random } from '../../../kernels/random.ts';
import { streams } from '../streams.ts';
import type { SyntheticLanguage } from './language.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz012345';
const size = alphabet.length;

/** The language with words of `wordLength` symbols, hence documents of twice as many. */
export function copy({ wordLength = 16 }: { wordLength?: number } = {}): SyntheticLanguage {
  const length = 2 * wordLength;

  const document = (seed: number, index: number): string => {
    const random = new Random(seed, streams.copy, index);
    const word = Array.from({ length: wordLength }, () => alphabet[random.below(size)]).join('');
    return word + word;
  };

  const posteriors = (symbols: ArrayLike<number>, masked: ArrayLike<number>): Float64Array[] => {
    if (symbols.length !== length) {
      throw new ClozeError(
        'input',
        `A document of the copy language has ${length} symbols, this one ${symbols.length}`,
        `Use rows that hold a whole document, ${length + 2} tokens with [CLS] and [SEP].`,
      );
    }
    const hidden = new Set(Array.from(masked));
    return Array.from(masked, (i) => {
      const twin = (i + wordLength) % length;
      const p = new Float64Array(size).fill(hidden.has(twin) ? 1 / size : 0);
      if (!hidden.has(twin)) p[symbols[twin]] = 1;
      return p;
    });
  };

  return {
    name: 'copy',
    alphabet,
    length,
    documents: ({ count, seed }) => Array.from({ length: count }, (_, index) => document(seed, index)),
    floor: (rate) => rate * Math.log(size),
    accuracy: (rate) => 1 - rate + rate / size,
    posteriors,
  };
}
