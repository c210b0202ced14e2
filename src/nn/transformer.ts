import { add, checkpoint, geglu, type Tensor } from '../autograd/index.ts';
import { type AttentionContext, SelfAttention } from './attention.ts';
import { Dropout } from './dropout.ts';
import type { KeyValueCache } from './keyValueCache.ts';
import { LayerNorm } from './layerNorm.ts';
import { Linear } from './linear.ts';
import { type Initializer, Module } from './module.ts';
import { RMSNorm } from './rmsNorm.ts';

export interface EncoderOptions {
  width: number;
  heads: number;
  /** Width of the feed-forward layer. */
  intermediate: number;
  /** `post` normalises after each residual sum as BERT does, `pre` before each block. */
  norm: 'post' | 'pre';
  /** Default `layer`; `rms` leaves the mean where it is and has no bias. */
  normType?: 'layer' | 'rms';
  /**
   * Between the feed-forward layers: `gelu`, the default, or `geglu`, for which the first one is twice as wide and makes
   * a gate as well (Shazeer, "GLU Variants Improve Transformer", 2020).
   */
  feedForward?: 'gelu' | 'geglu';
  /** Whether projections and layer norms have biases. Default true; ModernBERT has none. */
  bias?: boolean;
  /** With `pre`: whether the first layer has a norm before it attends. Default true; ModernBERT normalises the embeddings instead. */
  firstNorm?: boolean;
  /** `none` is the erf form of GELU, `tanh` its approximation. */
  gelu: 'none' | 'tanh';
  hiddenDropout: number;
  attentionDropout: number;
  eps: number;
  init?: Initializer;
  /** See {@link AttentionOptions.queryKeyInit}. */
  queryKeyInit?: Initializer;
}

export type Norm = LayerNorm | RMSNorm;

/** The kind of norm that these options ask for. */
export function makeNorm({
  width,
  normType = 'layer',
  eps,
  bias,
}: Pick<EncoderOptions, 'width' | 'normType' | 'eps' | 'bias'>): Norm {
  return normType === 'layer' ? new LayerNorm(width, { eps, bias }) : new RMSNorm(width, { eps });
}

/** A projection, dropout, and the sum with the residual: what ends both blocks of a layer. */
class Output extends Module {
  readonly norm: Norm | undefined;
  private readonly dense: Linear;
  private readonly dropout: Dropout;

  constructor(inFeatures: number, options: EncoderOptions, hasNorm = true) {
    super();
    const { width, bias, init } = options;
    this.dense = this.child('dense', new Linear(inFeatures, width, { bias, init }));
    if (hasNorm) this.norm = this.child('LayerNorm', makeNorm(options));
    this.dropout = this.child('dropout', new Dropout(options.hiddenDropout));
  }

  /** residual + dropout(dense(x)). */
  forward(x: Tensor, residual: Tensor): Tensor {
    return add(residual, this.dropout.forward(this.dense.forward(x)));
  }

  /** The same sum, and `y`, what a norm makes of it. */
  forwardNorm(x: Tensor, residual: Tensor, norm: Norm): { y: Tensor; sum: Tensor } {
    return norm.forwardResidual(this.dense.forward(x), residual, this.dropout);
  }
}

class Attention extends Module {
  readonly self: SelfAttention;
  readonly output: Output;

  constructor(options: EncoderOptions, hasNorm: boolean) {
    super();
    const { width, heads, attentionDropout, bias, init, queryKeyInit } = options;
    this.self = this.child(
      'self',
      new SelfAttention(width, { heads, dropout: attentionDropout, bias, init, queryKeyInit }),
    );
    this.output = this.child('output', new Output(width, options, hasNorm));
  }
}

/** The first half of a feed-forward network: wide, and bent by GELU or gated by it. */
class Intermediate extends Module {
  private readonly dense: Linear;
  private readonly options: EncoderOptions;

  constructor(options: EncoderOptions) {
    super();
    this.options = options;
    const { width, intermediate, feedForward, bias, init } = options;
    const outFeatures = feedForward === 'geglu' ? 2 * intermediate : intermediate;
    this.dense = this.child('dense', new Linear(width, outFeatures, { bias, init }));
  }

  /** [..., C] → [..., F]. */
  forward(x: Tensor): Tensor {
    const { feedForward, gelu } = this.options;
    if (feedForward === 'geglu') return geglu(this.dense.forward(x), { approximate: gelu });
    return this.dense.forwardGelu(x, gelu);
  }
}

/**
 * One layer of a transformer encoder: self-attention and a feed-forward network, each with a residual sum and a layer
 * norm. Children carry BERT's names, so that its checkpoints fit.
 */
export class EncoderLayer extends Module {
  private readonly attention: Attention;
  private readonly intermediate: Intermediate;
  private readonly output: Output;
  private readonly options: EncoderOptions;

  /** `attentionNorm`: whether the first block has a norm; with `post` it must. */
  constructor(options: EncoderOptions, attentionNorm = true) {
    super();
    this.options = options;
    this.attention = this.child('attention', new Attention(options, attentionNorm));
    this.intermediate = this.child('intermediate', new Intermediate(options));
    this.output = this.child('output', new Output(options.intermediate, options));
  }

  /** [B, T, C] → [B, T, C], with the attention probabilities [B, H, T, T] when `mask` asks for them. */
  forward(x: Tensor, mask: AttentionContext): { hidden: Tensor; probabilities: Tensor | undefined } {
    const { attention, intermediate, output } = this;
    if (this.options.norm === 'post') {
      const { context, probabilities } = attention.self.forward(x, mask);
      const { y: attended } = attention.output.forwardNorm(context, x, attention.output.norm!);
      return {
        hidden: output.forwardNorm(intermediate.forward(attended), attended, output.norm!).y,
        probabilities,
      };
    }
    // Here a norm belongs to the block that it precedes: that of the second block takes the sum of the first.
    const normed = attention.output.norm?.forward(x) ?? x;
    const { context, probabilities } = attention.self.forward(normed, mask);
    const { sum, y } = attention.output.forwardNorm(context, x, output.norm!);
    return { hidden: output.forward(intermediate.forward(y), sum), probabilities };
  }
}

/** What the layers of a stack share, and what each has for itself. */
export interface EncoderContext extends Omit<AttentionContext, 'cache'> {
  /** What a layer, by its number, has instead of what all share. */
  layer?: (index: number) => Partial<AttentionContext>;
  caches?: readonly KeyValueCache[];
}

/** A stack of layers; with `norm: 'pre'` a last layer norm belongs to whoever uses the stack. */
export class Encoder extends Module {
  /** Whether each layer's insides are computed again in backward instead of kept, see `checkpoint`. */
  gradientCheckpointing = false;
  private readonly layers: readonly EncoderLayer[];

  constructor(layers: number, options: EncoderOptions) {
    super();
    const { norm, firstNorm = true } = options;
    const stack = new LayerList(
      Array.from(
        { length: layers },
        (_, i) => new EncoderLayer(options, norm === 'post' || firstNorm || i > 0),
      ),
    );
    this.layers = this.child('layer', stack).layers;
  }

  /**
   * The last hidden states; `collect` receives each layer's hidden states and probabilities when given. `caches`, one a layer,
   * hold the tokens before x.
   */
  forward(
    x: Tensor,
    { caches, layer: own, ...mask }: EncoderContext,
    collect?: (layer: { hidden: Tensor; probabilities: Tensor }) => void,
  ): Tensor {
    const { engine } = x;
    return this.layers.reduce((hidden, layer, i) => {
      const context = { ...mask, ...own?.(i) };
      if (this.gradientCheckpointing && !collect && !caches) {
        return engine.scope(() => checkpoint((x) => layer.forward(x, context).hidden, hidden), `layer.${i}`);
      }
      const made = engine.scope(
        () => layer.forward(hidden, { ...context, cache: caches?.[i], probabilities: collect !== undefined }),
        `layer.${i}`,
      );
      const { probabilities } = made;
      if (probabilities) collect?.({ hidden: made.hidden, probabilities });
      return made.hidden;
    }, x);
  }
}

class LayerList extends Module {
  readonly layers: readonly EncoderLayer[];

  constructor(layers: readonly EncoderLayer[]) {
    super();
    this.layers = layers;
    layers.forEach((layer, i) => {
      this.child(String(i), layer);
    });
  }
}

/** Lets the encoders of a model keep a layer's input alone for its gradient; less memory, and a second forward pass. */
export function enableGradientCheckpointing(model: Module): void {
  for (const [, module] of model.namedModules()) {
    if (module instanceof Encoder) module.gradientCheckpointing = true;
  }
}
