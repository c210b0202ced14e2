/** Where each head of each layer looks. */
import { paddedInput } from '../bert/input.ts';
import type { BertTrace } from '../bert/model.ts';
import { bodyOf, type Embedder } from '../embed.ts';

export interface AttentionMaps {
  tokens: string[];
  layers: number;
  heads: number;
  /** [layers, heads, T, T]: how much the row's token takes of the column's; rows sum to 1. */
  attention: Float32Array;
}

/** The attention probabilities of a text. Dropout is off. Throws `input` for a text that is longer than the model reads. */
export async function attentionMaps(
  { engine, model, config, tokenizer }: Embedder,
  text: string,
): Promise<AttentionMaps> {
  const encoding = tokenizer.encode(text);
  const body = bodyOf(model.eval());
  const maps = engine.noGrad(() =>
    engine.scope(() => {
      const trace: BertTrace = { hiddenStates: [], attentions: [] };
      const { input } = paddedInput(engine, [encoding], { config, pad: tokenizer.special.pad });
      body.forward(input, trace);
      return trace.attentions;
    }, 'attention'),
  );
  const { num_hidden_layers: layers, num_attention_heads: heads } = config;
  const { tokens } = encoding;
  const attention = new Float32Array(layers * heads * tokens.length ** 2);
  for (const [layer, map] of maps.entries()) {
    attention.set((await map.data()) as Float32Array, layer * heads * tokens.length ** 2);
    map.dispose();
  }
  return { tokens, layers, heads, attention };
}

/** The map of one head, [T, T]. */
export function mapOf(
  { tokens, heads, attention }: AttentionMaps,
  layer: number,
  head: number,
): Float32Array {
  const size = tokens.length ** 2;
  const start = (layer * heads + head) * size;
  return attention.subarray(start, start + size);
}
