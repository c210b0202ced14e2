/** The shape of a BERT model, in the words of Hugging Face's `config.json`. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/index.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(0.99));

const schema = v.looseObject({
  vocab_size: v.optional(count, 30522),
  hidden_size: v.optional(count, 768),
  num_hidden_layers: v.optional(count, 12),
  num_attention_heads: v.optional(count, 12),
  intermediate_size: v.optional(count, 3072),
  hidden_act: v.optional(v.picklist(['gelu', 'gelu_new', 'gelu_pytorch_tanh']), 'gelu'),
  hidden_dropout_prob: v.optional(probability, 0.1),
  attention_probs_dropout_prob: v.optional(probability, 0.1),
  max_position_embeddings: v.optional(count, 512),
  type_vocab_size: v.optional(count, 2),
  initializer_range: v.optional(v.pipe(v.number(), v.minValue(0)), 0.02),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.minValue(0)), 1e-12),
  pad_token_id: v.optional(v.nullable(v.pipe(v.number(), v.integer())), 0),
  /** Not of Hugging Face: `pre` puts the layer norms before the blocks. */
  norm_position: v.optional(v.picklist(['post', 'pre']), 'post'),
  /**
   * `absolute` adds a learnt vector for each position, `sinusoidal` a fixed one (Vaswani et al., 2017), `rotary` turns queries and
   * keys by it (Su et al., 2021).
   */
  position_embedding_type: v.optional(v.picklist(['absolute', 'sinusoidal', 'rotary']), 'absolute'),
  /** With `rotary`: the base of the angles. */
  rope_theta: v.optional(v.pipe(v.number(), v.gtValue(1)), 10000),
  /** Not of Hugging Face's BERT: `rms` leaves means as they are and has no bias (Zhang and Sennrich, 2019). */
  norm_type: v.optional(v.picklist(['layer', 'rms']), 'layer'),
  /** Not of Hugging Face's BERT: `geglu` gates the feed-forward layers (Shazeer, 2020). */
  feed_forward: v.optional(v.picklist(['gelu', 'geglu']), 'gelu'),
  /** Whether the decoder is the matrix of word embeddings. */
  tie_word_embeddings: v.optional(v.boolean(), true),
  /** As in ModernBERT: each n-th layer, from the first on, sees the whole row, the others a window. 1: all see all. */
  global_attn_every_n_layers: v.optional(count, 1),
  /** The width of the window, half of it to either side, and the base of the angles in such layers. */
  local_attention: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2)), 128),
  local_rope_theta: v.optional(v.pipe(v.number(), v.gtValue(1)), 10000),
  /** Not of Hugging Face: the objective that the model was trained by, where it is not masked language modelling. */
  objective: v.optional(v.string(), 'mlm'),
  /** Ids that are never predicted: their logits are lowered beyond reach. */
  suppress_tokens: v.optional(v.array(v.pipe(v.number(), v.integer(), v.minValue(0)))),
  id2label: v.optional(v.record(v.string(), v.string())),
});

export type BertConfig = v.InferOutput<typeof schema>;

/** Sizes by name: layers, width and heads of google-research/bert; the feed-forward width is four times the width. */
export const presets = {
  nano: [2, 64, 2],
  tiny: [2, 128, 2],
  micro: [4, 128, 2],
  mini: [4, 256, 4],
  small: [4, 512, 8],
  medium: [8, 512, 8],
  base: [12, 768, 12],
} as const;

export type PresetName = keyof typeof presets;

/**
 * The configuration of a preset, with any field set otherwise. Weights start with a deviation of 1/sqrt(width), which
 * keeps the size of activations level (LeCun et al., "Efficient BackProp", 1998). BERT's own 0.02 suits a width of 768; in a
 * narrow model it makes attention so faint that the loss rests for thousands of steps at that of counting words.
 * Throws `option` for an unknown name.
 */
export function presetConfig(name: string, overrides: Partial<BertConfig> = {}): BertConfig {
  const preset = presets[name as PresetName];
  if (!preset) {
    throw new ClozeError('option', `there is no preset ${name}`, `Known: ${Object.keys(presets).join(', ')}`);
  }
  const [num_hidden_layers, presetWidth, num_attention_heads] = preset;
  const width = overrides.hidden_size ?? presetWidth;
  return parseConfig({
    hidden_size: width,
    num_hidden_layers,
    num_attention_heads,
    intermediate_size: 4 * width,
    initializer_range: 1 / Math.sqrt(width),
    ...overrides,
  });
}

/**
 * `bert` for what Hugging Face's BERT computes as well, else `cloze-bert`, so that a library which knows neither layer norms
 * before the blocks nor rotary positions nor any other such thing refuses the model instead of computing something else with its weights.
 */
export function modelType(config: BertConfig): 'bert' | 'cloze-bert' {
  const { norm_position, position_embedding_type, norm_type, feed_forward, objective } = config;
  const plainLayers = norm_position === 'post' && norm_type === 'layer' && feed_forward === 'gelu';
  const plainAttention = position_embedding_type === 'absolute' && config.global_attn_every_n_layers === 1;
  return plainLayers && plainAttention && objective === 'mlm' ? 'bert' : 'cloze-bert';
}

/** Checks a parsed `config.json` and fills defaults in. Throws `format` naming `source` and the field at fault. */
export function parseConfig(json: unknown, source = 'config.json'): BertConfig {
  const { model_type: type = 'bert' } = (json ?? {}) as { model_type?: string };
  if (type !== 'bert' && type !== 'cloze-bert') {
    throw new ClozeError('format', `${source} asks for the architecture ${type}`, 'Known: bert, cloze-bert');
  }
  const result = v.safeParse(schema, json);
  if (!result.success) {
    const issue = result.issues[0];
    const field = issue.path?.map((item) => String(item.key)).join('.') ?? 'the file';
    throw new ClozeError('format', `${source}: ${field} is not valid: ${issue.message}`);
  }
  const config = result.output;
  if (config.hidden_size % config.num_attention_heads !== 0) {
    throw new ClozeError(
      'format',
      `${source}: hidden_size ${config.hidden_size} is not divisible by num_attention_heads ${config.num_attention_heads}`,
    );
  }
  if (
    config.position_embedding_type === 'rotary' &&
    (config.hidden_size / config.num_attention_heads) % 2 !== 0
  ) {
    throw new ClozeError('format', `${source}: rotary positions turn pairs, so heads must be of even width`);
  }
  return config;
}
