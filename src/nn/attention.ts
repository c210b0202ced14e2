import { type AttentionMask, type AttentionResult, attention, type Tensor } from '../autograd/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { Dropout } from './dropout.ts';
import type { KeyValueCache } from './keyValueCache.ts';
import { Linear } from './linear.ts';
import { type Initializer, Module } from './module.ts';

export interface AttentionOptions {
  heads: number;
  /** Dropout on the probabilities. */
  dropout?: number;
  /** Whether the projections have biases. Default true. */
  bias?: boolean;
  init?: Initializer;
  /**
   * First values of the query and the key projection, which then start equal: a token attends at first to what is
   * like itself, above all to its neighbours, whose positions are alike. Default: `init`, each by itself.
   */
  queryKeyInit?: Initializer;
}

/** Where a sequence's tokens may look, and how attention learns of their order. */
export interface AttentionContext extends AttentionMask {
  /** Turns queries and keys, [B, T, C], by their positions; see the op `rotary`. Default: positions are in x already. */
  rotate?: (x: Tensor) => Tensor;
  /** Whether the probabilities are handed out. Default false. */
  probabilities?: boolean;
  /** Takes the keys and values of x, and adds those of the tokens before it. Queries are those of x alone. */
  cache?: KeyValueCache;
}

/**
 * Multi-head scaled dot-product attention of a sequence with itself: softmax(q kᵀ / sqrt(D) + mask) v per head
 * (Vaswani et al., "Attention Is All You Need", 2017). [B, T, C] → [B, T, C], without the projection that follows.
 */
export class SelfAttention extends Module {
  readonly heads: number;
  private readonly query: Linear;
  private readonly key: Linear;
  private readonly value: Linear;
  private readonly dropout: Dropout;

  constructor(width: number, options: AttentionOptions) {
    super();
    if (width % options.heads !== 0) {
      throw new ClozeError('option', `width ${width} is not divisible by ${options.heads} heads`);
    }
    const { heads, bias, init, queryKeyInit } = options;
    this.heads = heads;
    this.query = this.child('query', new Linear(width, width, { bias, init: queryKeyInit ?? init }));
    const drawsAs = queryKeyInit && ((name: string) => name.replace(/key\.weight$/, 'query.weight'));
    this.key = this.child('key', new Linear(width, width, { bias, init: queryKeyInit ?? init, drawsAs }));
    this.value = this.child('value', new Linear(width, width, { bias, init }));
    this.dropout = this.child('dropout', new Dropout(options.dropout ?? 0));
  }

  /** The context [B, T, C] and, when asked for, the probabilities [B, H, T, T]. */
  forward(x: Tensor, { rotate = (x) => x, cache, ...mask }: AttentionContext): AttentionResult {
    const { p, layer, training } = this.dropout;
    const [query, key] = [rotate(this.query.forward(x)), rotate(this.key.forward(x))];
    const value = this.value.forward(x);
    const { keys, values } = cache?.extend(key, value) ?? { keys: key, values: value };
    return attention(query, keys, values, {
      heads: this.heads,
      ...mask,
      dropout: training && p > 0 ? { p, layer, state: x.engine.randomState } : undefined,
    });
  }
}
