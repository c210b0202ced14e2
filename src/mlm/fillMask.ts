/** Fills the blanks of a text: for every [MASK] the likeliest tokens with their probabilities. */

import { indices } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { checkLength, paddedInput } from './bert/input.ts';
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

/** A text with blanks, checked and encoded. */
export interface BlankedText {
  ids: number[];
  typeIds: number[];
  /** Places of the blanks among the tokens. */
  blanks: number[];
  topK: number;
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
  const [predictions] = await fillBlanks(pretrained, [encodeBlanks(pretrained, text, options)]);
  return predictions;
}

/** The first half of {@link fillMask}: what needs no GPU. Throws `input` as it does. */
export function encodeBlanks(
  { tokenizer, config }: Pick<Pretrained, 'tokenizer' | 'config'>,
  text: string,
  { topK = 5 }: FillMaskOptions = {},
): BlankedText {
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
  checkLength(ids.length, config);
  return { ids, typeIds, blanks, topK };
}

/** The second half of {@link fillMask}, for several texts in one pass through the model. */
export async function fillBlanks(
  { model, tokenizer, config, slab }: Pretrained,
  texts: readonly BlankedText[],
): Promise<FillMaskPrediction[][][]> {
  const { engine } = slab;
  const { mask, pad } = tokenizer.special;
  const logits = engine.noGrad(() =>
    engine.scope(() => {
      const { input, T } = paddedInput(engine, texts, { config, pad });
      const places = Uint32Array.from(texts.flatMap(({ blanks }, b) => blanks.map((at) => b * T + at)));
      return model.eval().forward(input, indices(engine, places));
    }, 'fill-mask'),
  );
  const values = (await logits.data()) as Float32Array;
  const [, width] = logits.shape;
  logits.dispose();
  // Some models have more rows in their table than their tokenizer has tokens.
  const tokens = Math.min(width, tokenizer.vocabSize);
  let row = 0;
  return texts.map(({ ids, blanks, topK }) =>
    blanks.map((position) => {
      const own = values.subarray(row * width, row * width + tokens);
      row++;
      return topProbabilities(own, topK).map(([token, score]) => ({
        score,
        token,
        token_str: tokenizer.decode([token]),
        sequence: tokenizer.decode(
          ids
            .map((id, at) => (at === position ? token : id))
            .filter((id) => id === mask || !tokenizer.specialIds.has(id)),
        ),
      }));
    }),
  );
}

/** The k likeliest classes of a row of logits with their softmax probabilities; ties go to the lower index. */
export function topProbabilities(logits: ArrayLike<number>, k: number): [number, number][] {
  // The best so far, likeliest first. Sorting a whole vocabulary would take longer than the model.
  const best: number[] = [];
  for (let i = 0; i < logits.length; i++) {
    if (best.length === k && !(logits[i] > logits[best[k - 1]])) continue;
    let at = Math.min(best.length, k - 1);
    for (; at > 0 && logits[i] > logits[best[at - 1]]; at--) best[at] = best[at - 1];
    best[at] = i;
  }
  const largest = logits[best[0]];
  let total = 0;
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - largest);
  return best.map((i) => [i, Math.exp(logits[i] - largest) / total]);
}
