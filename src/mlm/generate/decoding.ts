/**
 * A causal or prefix language model that writes token after token, several rows at once. Keys and values of the tokens so
 * far are cached, so that each new one costs a forward pass of one token a row.
 */
import { type Engine, indices } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import { KeyValueCache } from '../../nn/keyValueCache.ts';
import type { BertForMaskedLM } from '../bert/heads.ts';

export interface DecodingOptions {
  /** Whether the tokens of a prompt see each other on both sides, as a source does, or only those before. */
  prompt: 'causal' | 'prefix';
}

export class Decoding {
  private readonly engine: Engine;
  private readonly model: BertForMaskedLM;
  private readonly caches: readonly KeyValueCache[];
  /** Tokens of each row so far: the position of its next one. */
  private lengths: Uint32Array;
  /** [rows][slots], 1 where a slot of the cache holds a token and not the padding of a prompt. */
  private visible: number[][] = [];

  constructor(engine: Engine, model: BertForMaskedLM) {
    this.engine = engine;
    this.model = model;
    this.caches = Array.from({ length: model.config.num_hidden_layers }, () => new KeyValueCache(engine));
    this.lengths = new Uint32Array();
  }

  /**
   * Reads the prompts, one a row and none empty. Returns the logits of what follows each, [rows][V]. Throws `input` for a prompt
   * that is too long.
   */
  start(prompts: readonly ArrayLike<number>[], { prompt }: DecodingOptions): Promise<Float32Array[]> {
    const slots = Math.max(...prompts.map(({ length }) => length));
    const ids = new Uint32Array(prompts.length * slots);
    prompts.forEach((row, r) => {
      ids.set(row, r * slots);
    });
    this.lengths = Uint32Array.from(prompts, ({ length }) => length);
    this.visible = prompts.map(({ length }) => Array.from({ length: slots }, (_, i) => Number(i < length)));
    const positions = Uint32Array.from(ids, (_, i) => i % slots);
    const prefix = prompt === 'prefix' ? this.lengths : new Uint32Array(prompts.length);
    return this.forward(ids, positions, slots, { prefix });
  }

  /**
   * Appends a token to each row, after making the rows be those numbered `from`, where given. Returns the logits of what
   * follows. Throws `input` when the model reads no more tokens.
   */
  next(tokens: ArrayLike<number>, from?: Uint32Array): Promise<Float32Array[]> {
    if (from) {
      for (const cache of this.caches) cache.reorder(from);
      this.lengths = Uint32Array.from(from, (row) => this.lengths[row]);
      this.visible = Array.from(from, (row) => [...this.visible[row]]);
    }
    for (const row of this.visible) row.push(1);
    const positions = this.lengths;
    this.lengths = positions.map((length) => length + 1);
    return this.forward(Uint32Array.from(tokens), positions, 1, {});
  }

  dispose(): void {
    for (const cache of this.caches) cache.dispose();
  }

  /** The visible slots no farther from each row's last token than a local layer sees. */
  private nearby(): Uint32Array {
    const reach = Math.floor(this.model.config.local_attention / 2);
    return Uint32Array.from(
      this.visible.flatMap((row, r) => {
        let position = -1;
        return row.map((bit) => {
          position += bit;
          return bit === 1 && position >= this.lengths[r] - 1 - reach ? 1 : 0;
        });
      }),
    );
  }

  /** Runs `slots` tokens a row through the model; the last token of each row gives the logits. */
  private async forward(
    ids: Uint32Array,
    positions: Uint32Array,
    slots: number,
    order: { prefix?: Uint32Array },
  ): Promise<Float32Array[]> {
    const { engine, model } = this;
    const limit = model.config.max_position_embeddings;
    const longest = Math.max(...this.lengths);
    if (longest > limit) {
      throw new ClozeError(
        'input',
        `the text has ${longest} tokens, and this model reads at most ${limit}`,
        'Shorten it, or write less',
      );
    }
    const rows = ids.length / slots;
    const shape = [rows, slots];
    const last = Uint32Array.from({ length: rows }, (_, r) =>
      slots === 1 ? r : r * slots + this.lengths[r] - 1,
    );
    const logits = engine.noGrad(() =>
      engine.scope(() => {
        const input = {
          ids: indices(engine, ids, shape),
          types: indices(engine, new Uint32Array(ids.length), shape),
          positions: indices(engine, positions, shape),
          mask: {
            mask: engine.tensor(Uint32Array.from(this.visible.flat()), [rows, this.visible[0].length]),
            ...(order.prefix && { prefix: engine.tensor(order.prefix, [rows]) }),
          },
          caches: this.caches,
          ...(slots === 1 && { localMask: engine.tensor(this.nearby(), [rows, this.visible[0].length]) }),
        };
        return model.eval().forward(input, indices(engine, last, [rows]));
      }, 'decode'),
    );
    const values = (await logits.data()) as Float32Array;
    logits.dispose();
    const width = values.length / rows;
    return Array.from({ length: rows }, (_, r) => values.subarray(r * width, (r + 1) * width));
  }
}
