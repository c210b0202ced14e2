/**
 * Sentence embeddings: the mean of a text's last hidden states, special tokens included and padding left out (Reimers and Gurevych,
 * "Sentence-BERT", 2019, section 3, MEAN).
 */
import { type Engine, matmul } from '../autograd/index.ts';
import type { Module } from '../nn/index.ts';
import type { BertConfig } from './bert/config.ts';
import { checkLength, paddedInput } from './bert/input.ts';
import { BertModel } from './bert/model.ts';
import type { Encoding, Tokenizer } from './tokenizer/index.ts';

/** A model of whatever head: its body is what embeds. */
export interface Embedder {
  engine: Engine;
  model: Module;
  config: BertConfig;
  tokenizer: Tokenizer;
}

export interface EmbedOptions {
  /** Cut a text off at the length that the model reads, instead of refusing it. Default false. */
  truncate?: boolean;
}

/** The embedding of each text, [C]. Throws `input` for a text that is longer than the model reads. */
export async function embed(
  embedder: Embedder,
  texts: readonly string[],
  { batchSize = 32, ...options }: EmbedOptions & { batchSize?: number } = {},
): Promise<Float32Array[]> {
  const encoded = texts.map((text) => encodeForEmbedding(embedder, text, options));
  // Texts of about one length share a batch, so that little of it is padding.
  const order = encoded.map((_, i) => i).sort((a, b) => encoded[a].ids.length - encoded[b].ids.length);
  const embeddings = new Array<Float32Array>(texts.length);
  for (let start = 0; start < order.length; start += batchSize) {
    const chosen = order.slice(start, start + batchSize);
    const made = await embedEncoded(
      embedder,
      chosen.map((i) => encoded[i]),
    );
    chosen.forEach((i, b) => {
      embeddings[i] = made[b];
    });
  }
  return embeddings;
}

/** The first half of {@link embed}: what needs no GPU. Throws `input` as it does. */
export function encodeForEmbedding(
  { tokenizer, config }: Pick<Embedder, 'tokenizer' | 'config'>,
  text: string,
  { truncate = false }: EmbedOptions = {},
): Encoding {
  const encoding = tokenizer.encode(
    text,
    truncate ? { maxLength: config.max_position_embeddings, truncation: 'longest_first' } : {},
  );
  checkLength(encoding.ids.length, config);
  return encoding;
}

/** The second half of {@link embed}, in one pass through the model. */
export async function embedEncoded(
  { engine, model, config, tokenizer }: Embedder,
  texts: readonly Pick<Encoding, 'ids' | 'typeIds'>[],
): Promise<Float32Array[]> {
  const body = bodyOf(model.eval());
  const B = texts.length;
  const means = engine.noGrad(() =>
    engine.scope(() => {
      const { input, T } = paddedInput(engine, texts, { config, pad: tokenizer.special.pad });
      const hidden = body.forward(input);
      const shares = new Float32Array(B * T);
      texts.forEach(({ ids }, b) => {
        shares.fill(1 / ids.length, b * T, b * T + ids.length);
      });
      return matmul(engine.tensor(shares, [B, 1, T]), hidden);
    }, 'embed'),
  );
  const values = (await means.data()) as Float32Array;
  means.dispose();
  const width = config.hidden_size;
  return texts.map((_, b) => values.slice(b * width, (b + 1) * width));
}

/** The body of a model with a head, or of one that is a body alone. */
export function bodyOf(model: Module): BertModel {
  for (const [, module] of model.namedModules()) if (module instanceof BertModel) return module;
  throw new Error('this model has no BERT in it');
}

/** Cosine of the angle between two vectors; 0 where one of them is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i] * b[i];
    ofA += a[i] ** 2;
    ofB += b[i] ** 2;
  }
  return product / Math.sqrt(ofA * ofB || 1);
}
