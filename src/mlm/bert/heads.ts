/**
 * The heads: what turns BERT's hidden states into predictions. Each is a model of its own, named as Hugging Face
 * names it.
 */
import {
  add,
  attention,
  type CrossEntropyOptions,
  type CrossEntropyResult,
  type Indices,
  linear,
  linearCrossEntropy,
  reshape,
  type Tensor,
} from '../../autograd/index.ts';
import { Dropout, LayerNorm, Linear, Module, type Parameter } from '../../nn/index.ts';
import { zeros } from '../../nn/initializers.ts';
import type { BertConfig } from './config.ts';
import { type BertInput, BertModel, type BertTrace, bertInit, gatherTokens, geluForm } from './model.ts';

/** Masked language model: a transformed hidden state times the word embeddings (tied), plus a bias per word. */
export class BertForMaskedLM extends Module {
  readonly config: BertConfig;
  private readonly bert: BertModel;
  private readonly predictions: Predictions;

  constructor(config: BertConfig) {
    super();
    this.config = config;
    this.bert = this.child('bert', new BertModel(config, { pooler: false }));
    this.predictions = this.child('cls', new PredictionHeads(config)).predictions;
  }

  /**
   * Logits over the vocabulary, [n, V]: of the tokens at `positions` (flat indices b·T + t), or without them of all
   * B·T tokens. Training passes the masked positions, which spares the largest product of the model for the rest.
   */
  forward(input: BertInput, positions?: Indices, trace?: BertTrace): Tensor {
    const hidden = this.bert.forward(input, trace);
    const { engine } = hidden;
    return engine.scope(() => {
      const rows = positions ? gatherTokens(hidden, positions) : reshape(hidden, [-1, hidden.shape[2]]);
      return this.predictions.forward(rows, this.decoderWeight);
    }, 'predictions');
  }

  /**
   * Cross-entropy of the tokens at `positions` against `labels`, i32, without holding the logits of all of them:
   * what training and evaluation want of {@link forward}.
   */
  loss(
    input: BertInput,
    positions: Indices,
    labels: Tensor,
    options: CrossEntropyOptions = {},
  ): CrossEntropyResult {
    const hidden = this.encode(input);
    return hidden.engine.scope(
      () => this.predictionLoss(gatherTokens(hidden, positions), labels, options),
      'predictions',
    );
  }

  /** The last hidden states [B, T, C]. */
  encode(input: BertInput): Tensor {
    return this.bert.forward(input);
  }

  /** {@link loss} of hidden states [n, C]. */
  predictionLoss(rows: Tensor, labels: Tensor, options: CrossEntropyOptions = {}): CrossEntropyResult {
    return this.predictions.loss(rows, this.decoderWeight, labels, options);
  }

  /** The last product: weight [V, C], tied to the word embeddings, and bias [V]. */
  get decoder(): { weight: Tensor; bias: Tensor } {
    return { weight: this.decoderWeight, bias: this.predictions.lowered() };
  }

  private get decoderWeight(): Tensor {
    return this.predictions.untied?.value ?? this.bert.wordEmbeddings;
  }
}

class PredictionHeads extends Module {
  readonly predictions: Predictions;

  constructor(config: BertConfig) {
    super();
    this.predictions = this.child('predictions', new Predictions(config));
  }
}

/** What the logits of suppressed tokens are lowered by: beyond reach of the others, and far from overflowing. */
const beyondReach = 1e4;

/** What is added to the bias of the predictions, [V]: nothing but for tokens that the config suppresses. */
export function suppression({ suppress_tokens: suppressed = [], vocab_size }: BertConfig): Float32Array {
  const values = new Float32Array(vocab_size);
  for (const id of suppressed) values[id] = -beyondReach;
  return values;
}

class Predictions extends Module {
  /** The decoder's own matrix, where it does not share the word embeddings. */
  readonly untied: Parameter | undefined;
  private readonly config: BertConfig;
  private readonly bias: Parameter;
  private readonly transform: Transform;

  constructor(config: BertConfig) {
    super();
    this.config = config;
    this.bias = this.parameter('bias', [config.vocab_size], zeros, { decays: false });
    if (!config.tie_word_embeddings) {
      const shape = [config.vocab_size, config.hidden_size];
      this.untied = this.parameter('decoder.weight', shape, bertInit(config), { decays: true });
    }
    this.transform = this.child('transform', new Transform(config));
  }

  /** [n, C] → [n, V]. */
  forward(rows: Tensor, wordEmbeddings: Tensor): Tensor {
    return linear(this.transform.forward(rows), wordEmbeddings, this.lowered());
  }

  /** The bias, lowered where the config suppresses a token. */
  lowered(): Tensor {
    const { suppress_tokens: suppressed = [], vocab_size } = this.config;
    const bias = this.bias.value;
    if (suppressed.length === 0) return bias;
    const name = `suppress ${suppressed.join()} of ${vocab_size}`;
    return add(
      bias,
      bias.engine.constant(name, [vocab_size], () => suppression(this.config)),
    );
  }

  loss(
    rows: Tensor,
    wordEmbeddings: Tensor,
    labels: Tensor,
    options: CrossEntropyOptions,
  ): CrossEntropyResult {
    return linearCrossEntropy(this.transform.forward(rows), wordEmbeddings, this.lowered(), labels, options);
  }
}

/** dense, GELU, layer norm: [n, from] → [n, C], from hidden states to what a head multiplies. */
export class Transform extends Module {
  private readonly dense: Linear;
  private readonly norm: LayerNorm;
  private readonly gelu: 'none' | 'tanh';

  constructor(config: BertConfig, from = config.hidden_size) {
    super();
    const { hidden_size: width, layer_norm_eps: eps, use_bias: bias } = config;
    this.gelu = geluForm(config);
    this.dense = this.child('dense', new Linear(from, width, { init: bertInit(config), bias }));
    this.norm = this.child('LayerNorm', new LayerNorm(width, { eps, bias }));
  }

  forward(rows: Tensor): Tensor {
    return this.norm.forward(this.dense.forwardGelu(rows, this.gelu));
  }
}

/** One label for a whole sequence, from the pooled first token: logits [B, labels]. */
export class BertForSequenceClassification extends Module {
  private readonly config: BertConfig;
  private readonly bert: BertModel;
  private readonly head: Transform | undefined;
  private readonly dropout: Dropout;
  private readonly classifier: Linear;

  constructor(config: BertConfig, labels: number) {
    super();
    this.config = config;
    const pooler = config.classifier_head === 'pooler';
    this.bert = this.child('bert', new BertModel(config, { pooler }));
    if (!pooler) this.head = this.child('head', new Transform(config));
    this.dropout = this.child('dropout', new Dropout(config.hidden_dropout_prob));
    this.classifier = this.child(
      'classifier',
      new Linear(config.hidden_size, labels, { init: bertInit(config) }),
    );
  }

  /** `first`: the flat index b·T of each sequence's first token. */
  forward(input: BertInput, first: Indices, trace?: BertTrace): Tensor {
    const hidden = this.bert.forward(input, trace);
    const pooled = this.head
      ? this.head.forward(this.summary(hidden, input, first))
      : this.bert.pool(hidden, first);
    return this.classifier.forward(this.dropout.forward(pooled));
  }

  /** What stands for each text: [B, C]. */
  private summary(hidden: Tensor, { mask: { mask } }: BertInput, first: Indices): Tensor {
    if (this.config.classifier_pooling === 'cls') return gatherTokens(hidden, first);
    // Attention in which every score is 0 is the mean of what the mask lets it see.
    const even = hidden.engine.zeros(hidden.shape);
    const { context } = attention(even, even, hidden, { heads: this.config.num_attention_heads, mask });
    return gatherTokens(context, first);
  }
}

/** One label for each token: logits [B, T, labels]. */
export class BertForTokenClassification extends Module {
  private readonly bert: BertModel;
  private readonly head: Transform | undefined;
  private readonly dropout: Dropout;
  private readonly classifier: Linear;

  constructor(config: BertConfig, labels: number) {
    super();
    this.bert = this.child('bert', new BertModel(config, { pooler: false }));
    if (config.classifier_head === 'transform') this.head = this.child('head', new Transform(config));
    this.dropout = this.child('dropout', new Dropout(config.hidden_dropout_prob));
    this.classifier = this.child(
      'classifier',
      new Linear(config.hidden_size, labels, { init: bertInit(config) }),
    );
  }

  forward(input: BertInput, trace?: BertTrace): Tensor {
    const hidden = this.bert.forward(input, trace);
    return this.classifier.forward(this.dropout.forward(this.head?.forward(hidden) ?? hidden));
  }
}

/** Where an answer starts and ends: logits [B, T, 2], start first. */
export class BertForQuestionAnswering extends Module {
  private readonly bert: BertModel;
  private readonly head: Transform | undefined;
  private readonly outputs: Linear;

  constructor(config: BertConfig) {
    super();
    this.bert = this.child('bert', new BertModel(config, { pooler: false }));
    if (config.classifier_head === 'transform') this.head = this.child('head', new Transform(config));
    this.outputs = this.child('qa_outputs', new Linear(config.hidden_size, 2, { init: bertInit(config) }));
  }

  forward(input: BertInput, trace?: BertTrace): Tensor {
    const hidden = this.bert.forward(input, trace);
    return this.outputs.forward(this.head?.forward(hidden) ?? hidden);
  }
}
