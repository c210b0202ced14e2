/**
 * BERT (Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019):
 * embeddings and a transformer encoder. Modules and parameters carry the names of Hugging Face's checkpoints.
 */
import {
  type AttentionMask,
  add,
  type Engine,
  embedding,
  type Indices,
  reshape,
  rotary,
  type Tensor,
  tanh,
} from '../../autograd/index.ts';
import { rotaryTable } from '../../kernels/index.ts';
import {
  Dropout,
  Embedding,
  Encoder,
  type EncoderOptions,
  type Initializer,
  Linear,
  Module,
  makeNorm,
  type Norm,
} from '../../nn/index.ts';
import { truncatedNormal } from '../../nn/initializers.ts';
import type { KeyValueCache } from '../../nn/keyValueCache.ts';
import type { BertConfig } from './config.ts';

/** What the encoder reads: token ids, segment ids and positions, each [B, T], and which tokens may be attended to. */
export interface BertInput {
  ids: Indices;
  types: Indices;
  positions: Indices;
  mask: AttentionMask;
  /** Word embeddings [B, T, C] in the place of those of `ids`, for whoever asks how an answer depends on them. */
  embeds?: Tensor;
  /** One a layer: what attention remembers of tokens before these. */
  caches?: readonly KeyValueCache[];
  /** With `caches`: the mask of the layers that see a window only. */
  localMask?: Tensor;
}

/** What happens inside, for those who want to look: hidden states [B, T, C], probabilities [B, H, T, T]. */
export interface BertTrace {
  /** After the embeddings, then after each layer. */
  hiddenStates: Tensor[];
  /** Per layer. */
  attentions: Tensor[];
}

/** First values of weights: normal with the configured deviation times `scale`, cut off at two of them. */
export function bertInit(config: BertConfig, scale = 1): Initializer {
  return (values, random) => truncatedNormal(values, random, 0, scale * config.initializer_range);
}

/**
 * How much larger than other weights learnt positions, queries and keys start. Together with queries and keys that start equal
 * this makes a new model look at neighbours first, and spares it the hundreds of steps at the loss of counting words
 * in which others find out that order matters. With rotary positions it would only stand in the way (docs/log.md).
 */
const localityScale = 2;

/**
 * First values of the position table: the sinusoids of Vaswani et al. ("Attention Is All You Need", 2017), of
 * {@link localityScale} times the weights' deviation. Neighbours begin alike, so attention finds them sooner than from noise; the table is
 * trained like any other.
 */
export function positionInit(config: BertConfig): Initializer {
  return (values) => fillSinusoids(values, config);
}

/** The table of fixed positions, [max_position_embeddings, hidden_size]. */
export function sinusoids(config: BertConfig): Float32Array {
  const values = new Float32Array(config.max_position_embeddings * config.hidden_size);
  fillSinusoids(values, config);
  return values;
}

function fillSinusoids(values: Float32Array, config: BertConfig): void {
  const { hidden_size: width, initializer_range: deviation } = config;
  for (let i = 0; i < values.length; i++) {
    const [position, column] = [Math.floor(i / width), i % width];
    const angle = position / 10000 ** ((column - (column % 2)) / width);
    values[i] =
      Math.SQRT2 * localityScale * deviation * (column % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  }
}

/** The `none`/`tanh` form of GELU that a config asks for. */
export function geluForm(config: BertConfig): 'none' | 'tanh' {
  return config.hidden_act === 'gelu' ? 'none' : 'tanh';
}

/** word + segment embedding where there are segments, and the position's where it is learnt, normalised, then dropout. */
class BertEmbeddings extends Module {
  readonly words: Embedding;
  private readonly positions: Embedding | undefined;
  private readonly types: Embedding | undefined;
  private readonly norm: Norm;
  private readonly dropout: Dropout;
  private readonly config: BertConfig;

  constructor(config: BertConfig) {
    super();
    this.config = config;
    const { hidden_size: width } = config;
    const init = bertInit(config);
    const paddingIdx = config.pad_token_id ?? undefined;
    this.words = this.child('word_embeddings', new Embedding(config.vocab_size, width, { init, paddingIdx }));
    if (config.position_embedding_type === 'absolute') {
      this.positions = this.child(
        'position_embeddings',
        new Embedding(config.max_position_embeddings, width, { init: positionInit(config) }),
      );
    }
    if (config.type_vocab_size > 0) {
      this.types = this.child(
        'token_type_embeddings',
        new Embedding(config.type_vocab_size, width, { init }),
      );
    }
    this.norm = this.child('LayerNorm', normOf(config));
    this.dropout = this.child('dropout', new Dropout(config.hidden_dropout_prob));
  }

  forward(input: BertInput): Tensor {
    return this.place(input.embeds ?? this.words.forward(input.ids), input);
  }

  /** The same of word embeddings [B, T, C] that were looked up before. */
  place(words: Tensor, { types, positions }: BertInput): Tensor {
    const segments = this.types ? add(words, this.types.forward(types)) : words;
    const place = this.placeEmbeddings(positions);
    return this.dropout.forward(this.norm.forward(place ? add(segments, place) : segments));
  }

  private placeEmbeddings(positions: Indices): Tensor | undefined {
    const { position_embedding_type, max_position_embeddings: rows, hidden_size: width } = this.config;
    if (position_embedding_type !== 'sinusoidal') return this.positions?.forward(positions);
    const { engine } = positions.ids;
    const table = engine.constant(
      `sinusoids ${rows} ${width} ${this.config.initializer_range}`,
      [rows, width],
      () => sinusoids(this.config),
    );
    return embedding(table, positions);
  }
}

/** What a config says of the layers. */
export function encoderOptions(config: BertConfig): EncoderOptions {
  return {
    width: config.hidden_size,
    heads: config.num_attention_heads,
    intermediate: config.intermediate_size,
    norm: config.norm_position,
    normType: config.norm_type,
    feedForward: config.feed_forward,
    bias: config.use_bias,
    firstNorm: config.first_attention_norm,
    gelu: geluForm(config),
    hiddenDropout: config.hidden_dropout_prob,
    attentionDropout: config.attention_probs_dropout_prob,
    eps: config.layer_norm_eps,
    init: bertInit(config),
    queryKeyInit: config.position_embedding_type === 'rotary' ? undefined : bertInit(config, localityScale),
  };
}

/** What turns queries and keys by their positions, where these are rotary. */
export function rotation(
  config: BertConfig,
  positions: Indices,
  engine: Engine,
  theta = config.rope_theta,
): ((x: Tensor) => Tensor) | undefined {
  const { position_embedding_type, max_position_embeddings: rows } = config;
  if (position_embedding_type !== 'rotary') return undefined;
  const depth = config.hidden_size / config.num_attention_heads;
  const table = engine.constant(`rotary ${rows} ${depth} ${theta}`, [rows, depth], () =>
    rotaryTable(rows, depth, theta),
  );
  return (x) => rotary(x, positions, table);
}

/** The layers that see a window only, if any: all but each n-th, from the first on (ModernBERT; Warner et al., 2024). */
function localLayers(config: BertConfig, { positions, localMask }: BertInput, engine: Engine) {
  const { global_attn_every_n_layers: every, local_attention, local_rope_theta } = config;
  if (every === 1) return undefined;
  // Where tokens before are cached, distances are not those of places in x, and the mask has them.
  const sight = localMask ? { mask: localMask } : { window: Math.floor(local_attention / 2) };
  const local = { ...sight, rotate: rotation(config, positions, engine, local_rope_theta) };
  return (layer: number) => (layer % every === 0 ? {} : local);
}

function normOf(config: BertConfig): Norm {
  const { hidden_size: width, layer_norm_eps: eps, norm_type: normType, use_bias: bias } = config;
  return makeNorm({ width, eps, normType, bias });
}

export class BertModel extends Module {
  readonly embeddings: BertEmbeddings;
  private readonly encoder: Encoder;
  private readonly finalNorm: Norm | undefined;
  private readonly pooler: Pooler | undefined;
  private readonly config: BertConfig;

  /** `pooler`: whether the model has one; models for sentences do, masked language models do not. */
  constructor(config: BertConfig, options: { pooler: boolean }) {
    super();
    this.config = config;
    this.embeddings = this.child('embeddings', new BertEmbeddings(config));
    this.encoder = this.child('encoder', new Encoder(config.num_hidden_layers, encoderOptions(config)));
    if (config.norm_position === 'pre') {
      this.finalNorm = this.child('LayerNorm', normOf(config));
    }
    if (options.pooler) this.pooler = this.child('pooler', new Pooler(config));
  }

  /** The word embedding matrix [V, C], which the masked language model's decoder shares. */
  get wordEmbeddings(): Tensor {
    return this.embeddings.words.weight.value;
  }

  /** The last hidden states [B, T, C]. `trace`, when given, receives what happens inside. */
  forward(input: BertInput, trace?: BertTrace): Tensor {
    return this.encode(this.embed(input), input, trace);
  }

  /** The embeddings alone, [B, T, C]. */
  embed(input: BertInput): Tensor {
    return this.wordEmbeddings.engine.scope(() => this.embeddings.forward(input), 'embeddings');
  }

  /** The layers alone: from embeddings to the last hidden states. */
  encode(embedded: Tensor, input: BertInput, trace?: BertTrace): Tensor {
    const { engine } = embedded;
    trace?.hiddenStates.push(embedded);
    const hidden = this.encoder.forward(
      embedded,
      {
        ...input.mask,
        rotate: rotation(this.config, input.positions, engine),
        layer: localLayers(this.config, input, engine),
        caches: input.caches,
      },
      trace &&
        ((layer) => {
          trace.hiddenStates.push(layer.hidden);
          trace.attentions.push(layer.probabilities);
        }),
    );
    return this.finalNorm ? this.finalNorm.forward(hidden) : hidden;
  }

  /** tanh(dense(first token)) of hidden states [B, T, C]: [B, C]. `first` holds the flat index of each first token. */
  pool(hidden: Tensor, first: Indices): Tensor {
    if (!this.pooler) throw new Error('this model was built without a pooler');
    return this.pooler.forward(hidden, first);
  }
}

class Pooler extends Module {
  private readonly dense: Linear;

  constructor(config: BertConfig) {
    super();
    const { hidden_size: width } = config;
    this.dense = this.child('dense', new Linear(width, width, { init: bertInit(config) }));
  }

  forward(hidden: Tensor, first: Indices): Tensor {
    return tanh(this.dense.forward(gatherTokens(hidden, first)));
  }
}

/** Rows of [B, T, C] by their flat indices b·T + t: [n, C]. */
export function gatherTokens(hidden: Tensor, indices: Indices): Tensor {
  const width = hidden.shape[hidden.shape.length - 1];
  return embedding(reshape(hidden, [-1, width]), indices);
}
