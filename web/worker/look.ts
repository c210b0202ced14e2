/** What a model makes of a sentence: words for its blanks, and where it looks. */
import { attentionMaps } from '../../src/mlm/explain/attentionMaps.ts';
import { fillMask } from '../../src/mlm/fillMask.ts';
import type { Pretrained } from '../../src/mlm/pretrained.ts';
import type { Look, Word } from '../protocol.ts';
import { joinWords } from '../words.ts';

const topK = 6;

/** Attention maps are asked for only up to so many values: the page shows them all. */
const mostAttention = 1 << 21;

/** Throws `input` for a sentence longer than the model. */
export async function look(pretrained: Pretrained, words: readonly Word[], step: number): Promise<Look> {
  const began = performance.now();
  const { tokenizer } = pretrained;
  const maskToken = tokenizer.special.mask < 0 ? '[MASK]' : tokenizer.idToToken(tokenizer.special.mask);
  // A word of several tokens is hidden by as many masks; one whose text nobody knows by one.
  const lengths = words.map(({ text }) => Math.max(1, tokenizer.encodeToIds(text).length));
  const text = joinWords(words, ({ text, hidden }, i) => (hidden ? masks(maskToken, lengths[i]) : text));
  const anyHidden = words.some(({ hidden }) => hidden);
  const blanks = anyHidden ? await fillMask(pretrained, text, { topK }) : [];
  const fills = words.map(({ hidden }, i) => (hidden ? blanks.splice(0, lengths[i]) : null));
  const guesses = fills.map((fill) => fill && tokenizer.decode(fill.map(([{ token }]) => token)));
  return {
    step,
    text,
    fills,
    guesses,
    ...(await attentionOf(pretrained, text)),
    took: performance.now() - began,
  };
}

/** Masks of one word: apart, so that each is read as a token. */
function masks(token: string, count: number): string {
  return Array(count).fill(token).join(' ');
}

async function attentionOf(
  { model, tokenizer, config, slab }: Pretrained,
  text: string,
): Promise<Pick<Look, 'tokens' | 'layers' | 'heads' | 'attention'>> {
  const { ids, tokens } = tokenizer.encode(text);
  const { num_hidden_layers: layers, num_attention_heads: heads } = config;
  if (layers * heads * ids.length ** 2 > mostAttention)
    return { tokens, layers: 0, heads: 0, attention: new Float32Array(0) };
  return attentionMaps({ engine: slab.engine, model, config, tokenizer }, text);
}
