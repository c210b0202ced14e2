/** Text from a trained model, by the way of generating that goes with its objective. */
import { ClozeError } from '../../gpu/errors.ts';
import type { Pretrained } from '../pretrained.ts';
import { beamSearch } from './beamSearch.ts';
import { continueCausally } from './causal.ts';
import type { SamplingOptions } from './sampling.ts';
import { type UnmaskOptions, unmask } from './unmask.ts';
import { wayOfWriting } from './way.ts';

export interface GenerateOptions
  extends SamplingOptions,
    Pick<UnmaskOptions, 'steps' | 'sampler' | 'blockLength' | 'seed'> {
  /** Most tokens to write; for unmasking a prompt without [MASK], how many are appended. */
  maxTokens?: number;
  /** Texts to write. Default 1. */
  count?: number;
  /** Beams for sequence to sequence. Default 4. */
  beams?: number;
  lengthPenalty?: number;
}

export interface Generated {
  text: string;
  /** Of sequence to sequence: the hypothesis's score. */
  score?: number;
}

/**
 * Causal models continue the prompt; sequence-to-sequence ones write the target for it, best first; others fill its [MASK], or as
 * many as `maxTokens` behind it. Throws `input` for a prompt that is too long.
 */
export async function generateText(
  { model, tokenizer, config, slab }: Pretrained,
  prompt: string,
  options: GenerateOptions = {},
): Promise<Generated[]> {
  const { engine } = slab;
  const { special, specialIds } = tokenizer;
  const { maxTokens, count = 1, beams = 4 } = options;
  const ids = Array.from(tokenizer.encodeToIds(prompt));
  const textOf = (written: ArrayLike<number>) =>
    tokenizer.decode(
      Array.from(written).filter((id) => id < tokenizer.vocabSize),
      { skipSpecialTokens: true },
    );
  switch (wayOfWriting(config.objective)) {
    case 'causal': {
      const start = [special.cls, ...ids];
      const forbidden = new Set([...specialIds].filter((id) => id !== special.sep));
      const written = await continueCausally(
        engine,
        model,
        Array.from({ length: count }, () => start),
        { ...options, forbidden, end: special.sep },
      );
      return written.map((tokens) => ({ text: textOf([...ids, ...tokens]) }));
    }
    case 'beams': {
      const wide = { ...options, beams: Math.max(beams, count) };
      const [hypotheses] = await beamSearch(engine, model, [ids], tokenizer, wide);
      return hypotheses.slice(0, count).map(({ ids, score }) => ({ text: textOf(ids), score }));
    }
    default: {
      const room = config.max_position_embeddings - ids.length - 2;
      const blanks = ids.includes(special.mask) ? 0 : Math.min(maxTokens ?? room, room);
      if (room < 0) {
        throw new ClozeError(
          'input',
          `the text has ${ids.length + 2} tokens, and this model reads at most ${config.max_position_embeddings}`,
          'Shorten it',
        );
      }
      const row = Uint32Array.from([
        special.cls,
        ...ids,
        ...new Array<number>(blanks).fill(special.mask),
        special.sep,
      ]);
      const rows = Array.from({ length: count }, () => row);
      return (await unmask(engine, model, rows, tokenizer, options)).map((filled) => ({
        text: textOf(filled),
      }));
    }
  }
}
