/**
 * ELECTRA's two networks (Clark et al., "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", 2020): a
 * small generator that fills blanks, and a discriminator that tells which tokens of the filled text are not the original ones.
 * They share the embeddings, which have the discriminator's width; a projection leads from it to the generator's, and its head leads
 * back (section 3.2 of the paper). The discriminator's body has BERT's names, so that it can be fine-tuned like one.
 */
import { cat, embedding, type Indices, linear, matmul, reshape, type Tensor } from '../../autograd/index.ts';
import { Encoder, LayerNorm, Linear, Module, type Parameter } from '../../nn/index.ts';
import { zeros } from '../../nn/initializers.ts';
import type { BertConfig } from './config.ts';
import {
  type BertInput,
  BertModel,
  bertInit,
  encoderOptions,
  gatherTokens,
  geluForm,
  rotation,
} from './model.ts';

/** The share of the discriminator's width and heads that the generator has. */
export interface ElectraOptions {
  generatorShare: number;
}

export class ElectraForPreTraining extends Module {
  private readonly bert: BertModel;
  private readonly generator: Generator;
  private readonly discriminator: DiscriminatorHead;

  constructor(config: BertConfig, options: ElectraOptions) {
    super();
    this.bert = this.child('bert', new BertModel(config, { pooler: false }));
    this.discriminator = this.child('discriminator_predictions', new DiscriminatorHead(config));
    this.generator = this.child('generator', new Generator(config, options));
  }

  /** The generator's logits [M, V] for the tokens at flat `positions` of a text with blanks. */
  generate(input: BertInput, positions: Indices): Tensor {
    const { engine } = this.bert.wordEmbeddings;
    return engine.scope(() => {
      const hidden = this.generator.encode(this.bert.embed(input), input);
      return this.generator.predict(gatherTokens(hidden, positions), this.bert.wordEmbeddings);
    }, 'generator');
  }

  /**
   * For each of the B·T tokens two logits, original and replaced, the first of them always 0, of the text whose blanks are filled
   * by `filling`, one-hot [M, V]. `sources` [B·T] names the place of each token: its own number, or B·T + m for blank m.
   */
  discriminate(input: BertInput, filling: Tensor, sources: Indices): Tensor {
    const { engine } = filling;
    return engine.scope(() => {
      const words = this.bert.embeddings.words.forward(input.ids);
      const [B, T, width] = words.shape;
      const filled = matmul(filling, this.bert.wordEmbeddings);
      const text = embedding(cat([reshape(words, [-1, width]), filled], 0), sources);
      const hidden = this.bert.encode(this.bert.embeddings.place(reshape(text, [B, T, width]), input), input);
      const scores = this.discriminator.forward(reshape(hidden, [-1, width]));
      return cat([engine.zeros([B * T, 1]), scores], 1);
    }, 'discriminator');
  }
}

/** dense, GELU, dense → 1. */
class DiscriminatorHead extends Module {
  private readonly dense: Linear;
  private readonly prediction: Linear;
  private readonly gelu: 'none' | 'tanh';

  constructor(config: BertConfig) {
    super();
    const { hidden_size: width } = config;
    this.gelu = geluForm(config);
    this.dense = this.child('dense', new Linear(width, width, { init: bertInit(config) }));
    this.prediction = this.child('dense_prediction', new Linear(width, 1, { init: bertInit(config) }));
  }

  forward(rows: Tensor): Tensor {
    return this.prediction.forward(this.dense.forwardGelu(rows, this.gelu));
  }
}

class Generator extends Module {
  private readonly config: BertConfig;
  private readonly project: Linear;
  private readonly encoder: Encoder;
  private readonly finalNorm: LayerNorm;
  private readonly dense: Linear;
  private readonly norm: LayerNorm;
  private readonly bias: Parameter;

  constructor(config: BertConfig, { generatorShare }: ElectraOptions) {
    super();
    const { hidden_size: width, num_attention_heads: heads, intermediate_size, layer_norm_eps: eps } = config;
    const own = Math.max(1, Math.round(heads * generatorShare));
    const narrow = own * (width / heads);
    this.config = {
      ...config,
      hidden_size: narrow,
      num_attention_heads: own,
      intermediate_size: Math.ceil((intermediate_size * narrow) / width),
    };
    const init = bertInit(config);
    this.project = this.child('embeddings_project', new Linear(width, narrow, { init }));
    this.encoder = this.child('encoder', new Encoder(config.num_hidden_layers, encoderOptions(this.config)));
    this.finalNorm = this.child('LayerNorm', new LayerNorm(narrow, { eps }));
    this.dense = this.child('dense', new Linear(narrow, width, { init }));
    this.norm = this.child('transform_norm', new LayerNorm(width, { eps }));
    this.bias = this.parameter('bias', [config.vocab_size], zeros, { decays: false });
  }

  /** [B, T, C] → the generator's hidden states [B, T, G]. */
  encode(embedded: Tensor, { mask, positions }: BertInput): Tensor {
    const rotate = rotation(this.config, positions, embedded.engine);
    return this.finalNorm.forward(this.encoder.forward(this.project.forward(embedded), { ...mask, rotate }));
  }

  /** [M, G] → logits [M, V]. */
  predict(rows: Tensor, wordEmbeddings: Tensor): Tensor {
    const wide = this.norm.forward(this.dense.forwardGelu(rows, geluForm(this.config)));
    return linear(wide, wordEmbeddings, this.bias.value);
  }
}
