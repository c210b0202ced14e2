/**
 * Text infilling with sentence permutation (Lewis et al., "BART", 2020): the sentences of a text are shuffled, spans of it give way
 * to one [MASK] each, whatever their length, and the model writes the whole text as it was. Loss: the mean cross-entropy
 * of that text, its end included.
 *
 * Lengths of spans are Poisson numbers, drawn until the budget of tokens is used up, the last one cut off there; a span of
 * length 0 is a [MASK] that hides nothing (fairseq, `denoising_dataset.py`). Spans do not overlap. Of zero-length ones only so
 * many are inserted that the source is no longer than the text. [UNK] counts as text.
 *
 * BART reads the source by an encoder of its own; here both are one stack with a prefix mask.
 */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { streams } from '../data/streams.ts';
import { arrange, poisson } from '../masking/index.ts';
import { languageModel } from './languageModel.ts';
import { type Corruption, type Objective, objectiveKind } from './objective.ts';
import { pairExample, pairLength, textOf } from './sequenceToSequence.ts';

/** Lengths of spans that hide `budget` tokens in all, zeros among them, in the order in which they were drawn. */
export function infillingLengths(budget: number, mean: number, random: Random): number[] {
  const lengths: number[] = [];
  for (let left = budget; left > 0; left -= lengths[lengths.length - 1]) {
    lengths.push(Math.min(left, poisson(mean, random)));
  }
  return lengths;
}

/** A text with spans of these lengths replaced by [MASK]. */
export function infill(
  text: readonly number[],
  lengths: readonly number[],
  mask: number,
  random: Random,
): number[] {
  const spans = lengths.filter((length) => length > 0);
  const starts = arrange(spans, text.length, random);
  const lengthAt = new Map(starts.map((start, i) => [start, spans[i]]));
  const source: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const length = lengthAt.get(at);
    source.push(length === undefined ? text[at] : mask);
    if (length !== undefined) at += length - 1;
  }
  const insertions = Math.min(lengths.length - spans.length, text.length - source.length);
  for (let i = 0; i < insertions; i++) source.splice(random.below(source.length + 1), 0, mask);
  return source;
}

/** Sentences end with a token that is a full stop, a question mark or an exclamation mark. */
function sentencesOf(text: ArrayLike<number>, endsSentence: (id: number) => boolean): number[][] {
  const sentences: number[][] = [[]];
  for (const id of Array.from(text)) {
    sentences[sentences.length - 1].push(id);
    if (endsSentence(id)) sentences.push([]);
  }
  return sentences.filter((sentence) => sentence.length > 0);
}

function corruption(
  { rate, mean, permute }: { rate: number; mean: number; permute: number },
  vocabulary: TokenVocabulary,
): Corruption {
  const ends = new Map<number, boolean>();
  const endsSentence = (id: number): boolean => {
    let known = ends.get(id);
    if (known === undefined) {
      known = /^[.?!]$/.test(vocabulary.idToToken?.(id) ?? '');
      ends.set(id, known);
    }
    return known;
  };
  return {
    attention: 'prefix',
    shift: 1,
    weighted: false,
    rowLength: (T) => pairLength(T, T),
    places: (T) => T + 1,
    apply(ids, _, { seed, epoch, index }) {
      const target = textOf(ids, vocabulary);
      const random = new Random(seed, streams.corruption + epoch, index);
      const sentences = sentencesOf(target, endsSentence);
      if (random.uniform() < permute) random.shuffle(sentences);
      const lengths = infillingLengths(Math.round(rate * target.length), mean, random);
      const source = infill(sentences.flat(), lengths, vocabulary.special.mask, random);
      return pairExample({ source, target }, vocabulary);
    },
  };
}

export const infilling = objectiveKind({
  parameters: {
    /** Share of the tokens that spans hide. */
    maskRate: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(1)), 0.3),
    /** Mean length of a span, in tokens. */
    spanMean: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(100)), 3),
    /** Share of the texts whose sentences are shuffled. */
    permute: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 1),
  },
  create({ maskRate: rate, spanMean: mean, permute }, vocabulary): Objective {
    if (vocabulary.special.mask < 0) {
      throw new ClozeError(
        'option',
        'The tokenizer has no [MASK] token',
        'Use one that was made for masked models.',
      );
    }
    const same = corruption({ rate, mean, permute }, vocabulary);
    return {
      name: 'bart',
      unit: 'nats per target token',
      train: same,
      evaluation: same,
      extraTokens: 0,
      bar: 'ngrams',
      build: (config) => languageModel(config),
    };
  },
});
