/**
 * Span corruption (Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", T5, 2020):
 * spans of the text give way to one sentinel each, and the model writes the spans down, each behind its sentinel. Loss: the
 * mean cross-entropy of what it is to write, its end included.
 *
 * Of n tokens, round(n · rate) are noise, at least one and not all, in max(1, round(noise / mean)) spans. The lengths of the
 * spans and of the stretches between them are compositions of either number, all equally likely, and the text begins with a
 * stretch that is kept (google-research/text-to-text-transfer-transformer, `random_spans_noise_mask`). Sentinels are ids
 * above the tokenizer's. [UNK] counts as text.
 *
 * T5 reads the source by an encoder of its own; here both are one stack with a prefix mask.
 */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { Random } from '../../kernels/random.ts';
import type { TokenVocabulary } from '../data/dataset.ts';
import { streams } from '../data/streams.ts';
import { type Range, randomComposition } from '../masking/index.ts';
import { languageModel } from './languageModel.ts';
import { type Corruption, type Objective, objectiveKind } from './objective.ts';
import { pairExample, pairLength, type SourceAndTarget, textOf } from './sequenceToSequence.ts';

/** Sentinels that a model has, as T5's. */
const sentinels = 100;

interface Share {
  rate: number;
  mean: number;
}

/** How many of n tokens are noise, and in how many spans; none of a text too short to keep a token and lose one. */
export function noiseOf(n: number, { rate, mean }: Share): { noise: number; spans: number } {
  if (n < 2) return { noise: 0, spans: 0 };
  const noise = Math.min(n - 1, Math.max(1, Math.round(n * rate)));
  const spans = Math.min(noise, n - noise, Math.max(1, Math.round(noise / mean)));
  return { noise, spans };
}

/** The noise spans of a text of n tokens, in order. */
export function noiseSpans(n: number, share: Share, random: Random): Range[] {
  const { noise, spans } = noiseOf(n, share);
  if (spans === 0) return [];
  const lengths = randomComposition(noise, spans, random);
  const kept = randomComposition(n - noise, spans, random);
  let at = 0;
  return lengths.map((length, i) => {
    const start = at + kept[i];
    at = start + length;
    return { start, end: at };
  });
}

/** Replaces each span by a sentinel, the first of which is `sentinel`; the target holds sentinels and spans in turn. */
export function corruptSpans(
  text: ArrayLike<number>,
  spans: readonly Range[],
  sentinel: number,
): SourceAndTarget {
  const ids = Array.from(text);
  const source: number[] = [];
  const target: number[] = [];
  let at = 0;
  spans.forEach(({ start, end }, i) => {
    source.push(...ids.slice(at, start), sentinel + i);
    target.push(sentinel + i, ...ids.slice(start, end));
    at = end;
  });
  source.push(...ids.slice(at));
  return { source, target };
}

function corruption(share: Share, vocabulary: TokenVocabulary): Corruption {
  return {
    attention: 'prefix',
    shift: 1,
    weighted: false,
    rowLength: (T) => pairLength(T, 2 * noiseOf(T, share).spans),
    places: (T) => noiseOf(T, share).noise + noiseOf(T, share).spans + 1,
    apply(ids, _, { seed, epoch, index }) {
      const text = textOf(ids, vocabulary);
      const spans = noiseSpans(text.length, share, new Random(seed, streams.corruption + epoch, index));
      if (spans.length > sentinels) {
        throw new ClozeError(
          'option',
          `${text.length} tokens at a mask rate of ${share.rate} have ${spans.length} spans, and there are ${sentinels} sentinels`,
          'Use a larger --span-mean or a smaller --mask-rate',
        );
      }
      return pairExample(corruptSpans(text, spans, vocabulary.vocabSize), vocabulary);
    },
  };
}

export const spanCorruption = objectiveKind({
  parameters: {
    /** Share of the tokens that are noise. */
    maskRate: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), 0.15),
    /** Mean length of a span, in tokens. */
    spanMean: v.optional(v.pipe(v.number(), v.minValue(1)), 3),
  },
  create({ maskRate: rate, spanMean: mean }, vocabulary): Objective {
    const same = corruption({ rate, mean }, vocabulary);
    return {
      name: 't5',
      unit: 'nats per target token',
      train: same,
      evaluation: same,
      extraTokens: sentinels,
      bar: 'ngrams',
      build: (config) => languageModel(config),
    };
  },
});
