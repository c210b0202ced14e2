/** The shape of a BERT model, in the words of Hugging Face's `config.json`. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/index.ts';
import { fromModernBert, modernBertName } from '../interchange/modernbert.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const countOrNone = v.pipe(v.number(), v.integer(), v.minValue(0));
const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(0.99));

/** One of `names`; what is none of them is told which there are. */
function oneOf<const T extends readonly string[]>(names: T) {
  return v.picklist(names, ({ received }) => `${received} is not known here. Known: ${names.join(', ')}`);
}

const schema = v.looseObject({
  vocab_size: v.optional(count, 30522),
  hidden_size: v.optional(count, 768),
  num_hidden_layers: v.optional(count, 12),
  num_attention_heads: v.optional(count, 12),
  intermediate_size: v.optional(count, 3072),
  hidden_act: v.optional(oneOf(['gelu', 'gelu_new', 'gelu_pytorch_tanh']), 'gelu'),
  hidden_dropout_prob: v.optional(probability, 0.1),
  attention_probs_dropout_prob: v.optional(probability, 0.1),
  max_position_embeddings: v.optional(count, 512),
  /** Kinds of segments; 0 where the model does not tell them apart, as ModernBERT. */
  type_vocab_size: v.optional(countOrNone, 2),
  initializer_range: v.optional(v.pipe(v.number(), v.minValue(0)), 0.02),
  layer_norm_eps: v.optional(v.pipe(v.number(), v.minValue(0)), 1e-12),
  pad_token_id: v.optional(v.nullable(v.pipe(v.number(), v.integer())), 0),
  /** Not of Hugging Face: `pre` puts the layer norms before the blocks. */
  norm_position: v.optional(oneOf(['post', 'pre']), 'post'),
  /**
   * `absolute` adds a learnt vector for each position, `sinusoidal` a fixed one (Vaswani et al., 2017), `rotary` turns queries and
   * keys by it (Su et al., 2021).
   */
  position_embedding_type: v.optional(oneOf(['absolute', 'sinusoidal', 'rotary']), 'absolute'),
  /** With `rotary`: the base of the angles. */
  rope_theta: v.optional(v.pipe(v.number(), v.gtValue(1)), 10000),
  /** Not of Hugging Face's BERT: `rms` leaves means as they are and has no bias (Zhang and Sennrich, 2019). */
  norm_type: v.optional(oneOf(['layer', 'rms']), 'layer'),
  /** Not of Hugging Face's BERT: `geglu` gates the feed-forward layers (Shazeer, 2020). */
  feed_forward: v.optional(oneOf(['gelu', 'geglu']), 'gelu'),
  /** Not of Hugging Face's BERT: whether projections and norms have biases. */
  use_bias: v.optional(v.boolean(), true),
  /** Not of Hugging Face's BERT: whether, with `pre`, the first layer normalises the embeddings once more before it attends. */
  first_attention_norm: v.optional(v.boolean(), true),
  /**
   * What labels are told from: `pooler`, a dense layer and tanh of the first token, or nothing but the token itself where each has a
   * label; or `transform`, the dense layer, GELU and norm that precede the predictions of tokens, as ModernBERT.
   */
  classifier_head: v.optional(oneOf(['pooler', 'transform']), 'pooler'),
  /** With `transform`: whether the first token stands for its text, or the mean of all. */
  classifier_pooling: v.optional(oneOf(['cls', 'mean']), 'cls'),
  /** Whether the decoder is the matrix of word embeddings. */
  tie_word_embeddings: v.optional(v.boolean(), true),
  /** As in ModernBERT: each n-th layer, from the first on, sees the whole row, the others a window. 1: all see all. */
  global_attn_every_n_layers: v.optional(count, 1),
  /** The width of the window, half of it to either side, and the base of the angles in such layers. */
  local_attention: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2)), 128),
  local_rope_theta: v.optional(v.pipe(v.number(), v.gtValue(1)), 10000),
  /** Not of Hugging Face: the objective that the model was trained by, where it is not masked language modelling. */
  objective: v.optional(v.string(), 'mlm'),
  /** Where it writes behind a source: the most tokens of what it writes. */
  max_new_tokens: v.optional(count),
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

/** Families of models by the name that config.json gives them as `model_type`. */
export const modelTypes = ['bert', 'modernbert', 'cloze-bert'] as const;

export type ModelType = (typeof modelTypes)[number];

/**
 * `bert` or `modernbert` for what Hugging Face's model of that name computes as well, else `cloze-bert`, so that a library which does
 * not know such a thing refuses the model instead of computing something else with its weights.
 */
export function modelType(config: BertConfig): ModelType {
  const { norm_position, position_embedding_type, norm_type, feed_forward, objective } = config;
  if (objective !== 'mlm' || norm_type !== 'layer') return 'cloze-bert';
  const { use_bias, classifier_head, global_attn_every_n_layers, type_vocab_size } = config;
  const plainLayers = norm_position === 'post' && feed_forward === 'gelu' && use_bias;
  const plainAttention = position_embedding_type === 'absolute' && global_attn_every_n_layers === 1;
  if (plainLayers && plainAttention && classifier_head === 'pooler' && type_vocab_size > 0) return 'bert';
  const modernLayers = norm_position === 'pre' && feed_forward === 'geglu' && !use_bias;
  const modernEnds = type_vocab_size === 0 && !config.first_attention_norm && classifier_head === 'transform';
  const modern = modernLayers && modernEnds && position_embedding_type === 'rotary';
  return modern && !config.suppress_tokens ? 'modernbert' : 'cloze-bert';
}

/**
 * Checks a parsed `config.json` and fills defaults in; that of a ModernBERT is put into the words of {@link BertConfig}. Throws
 * `format` naming `source` and the field at fault.
 */
export function parseConfig(json: unknown, source = 'config.json'): BertConfig {
  const { model_type: type = 'bert', ...fields } = (json ?? {}) as { model_type?: string };
  if (!modelTypes.includes(type as ModelType)) {
    throw new ClozeError(
      'format',
      `${source} asks for the architecture ${type}`,
      `Known: ${modelTypes.join(', ')}`,
    );
  }
  const modern = type === 'modernbert';
  const result = v.safeParse(schema, modern ? fromModernBert(fields, source) : fields);
  if (!result.success) {
    const [issue] = result.issues;
    const path = issue.path?.map((item) => String(item.key)).join('.') ?? 'the file';
    const field = modern ? (modernBertName(path) ?? path) : path;
    throw new ClozeError('format', `${source}: ${field} is not valid: ${issue.message}`);
  }
  checkHeads(result.output, source);
  return result.output;
}

function checkHeads(config: BertConfig, source: string): void {
  const { hidden_size: width, num_attention_heads: heads, position_embedding_type: positions } = config;
  if (width % heads !== 0) {
    throw new ClozeError(
      'format',
      `${source}: hidden_size ${width} is not divisible by num_attention_heads ${heads}`,
    );
  }
  if (positions === 'rotary' && (width / heads) % 2 !== 0) {
    throw new ClozeError('format', `${source}: rotary positions turn pairs, so heads must be of even width`);
  }
}
