/** Fills the blanks of a text: for every [MASK] the likeliest tokens with their probabilities. */

import { indices } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { bertInput } from './bert/input.ts';
import { wayOfWriting } from './generate/way.ts';
import type { Pretrained } from './pretrained.ts';

/** One way to fill one blank; the fields are those of Hugging Face's fill-mask pipeline. */
export interface FillMaskPrediction {
  /** Probability of the token at this blank, given the rest of the text. */
  score: number;
  token: number;
  token_str: string;
  /** The text with this blank filled; other blanks stay as they are. */
  sequence: string;
}

export interface FillMaskOptions {
  /** Predictions per blank. Default 5. */
  topK?: number;
}

/**
 * Predictions for every blank of a text, blanks in order, likeliest first. The blanks are filled independently of
 * each other, as Hugging Face does. Throws `input` for a text without [MASK] or longer than the model.
 */
export async function fillMask(
  pretrained: Pretrained,
  text: string,
  options: FillMaskOptions = {},
): Promise<FillMaskPrediction[][]> {
  const { model, tokenizer, config, slab } = pretrained;
  const { engine } = slab;
  if (wayOfWriting(config.objective) !== 'unmask') {
    throw new ClozeError(
      'input',
      `this model was trained by ${config.objective} and fills no blanks in their places`,
      'Use cloze generate',
    );
  }
  const { mask } = tokenizer.special;
  const maskToken = mask < 0 ? '[MASK]' : tokenizer.idToToken(mask);
  const { ids, typeIds } = tokenizer.encode(text);
  const blanks = ids.flatMap((id, i) => (id === mask ? [i] : []));
  if (blanks.length === 0) {
    throw new ClozeError(
      'input',
      `there is no ${maskToken} in ${JSON.stringify(text)}`,
      `Write ${maskToken} for a blank`,
    );
  }
  if (ids.length > config.max_position_embeddings) {
    throw new ClozeError(
      'input',
      `the text has ${ids.length} tokens, and this model reads at most ${config.max_position_embeddings}`,
      'Shorten it',
    );
  }
  const logits = engine.noGrad(() =>
    engine.scope(() => {
      const input = bertInput(engine, {
        ids: Uint32Array.from(ids),
        types: Uint32Array.from(typeIds),
        shape: [1, ids.length],
      });
      return model.eval().forward(input, indices(engine, Uint32Array.from(blanks), [blanks.length]));
    }),
  );
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  const width = values.length / blanks.length;
  // Some models have more rows in their table than their tokenizer has tokens.
  const tokens = Math.min(width, tokenizer.vocabSize);
  return blanks.map((position, i) =>
    topProbabilities(values.subarray(i * width, i * width + tokens), options.topK ?? 5).map(
      ([token, score]) => ({
        score,
        token,
        token_str: tokenizer.decode([token]),
        sequence: tokenizer.decode(
          ids
            .map((id, at) => (at === position ? token : id))
            .filter((id) => id === mask || !tokenizer.specialIds.has(id)),
        ),
      }),
    ),
  );
}

/** The k likeliest classes of a row of logits with their softmax probabilities; ties go to the lower index. */
export function topProbabilities(logits: ArrayLike<number>, k: number): [number, number][] {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]);
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - largest);
  return Array.from({ length: logits.length }, (_, i) => i)
    .sort((a, b) => logits[b] - logits[a] || a - b)
    .slice(0, k)
    .map((i) => [i, Math.exp(logits[i] - largest) / total]);
}
