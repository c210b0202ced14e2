/** What attention remembers of the tokens before, so that a text which grows at its end is not read anew for each token. */
import { cat, type Engine, embedding, indices, reshape, type Tensor } from '../autograd/index.ts';

/** The keys and values of one layer, [rows, tokens, C] each, in the order in which their tokens came. No gradients. */
export class KeyValueCache {
  private readonly engine: Engine;
  private held: { keys: Tensor; values: Tensor } | undefined;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Appends those of new tokens; returns all. They belong to the cache and hold until it changes. */
  extend(keys: Tensor, values: Tensor): { keys: Tensor; values: Tensor } {
    const { held } = this;
    return this.hold({
      keys: held ? cat([held.keys, keys], 1) : this.engine.copyOf(keys),
      values: held ? cat([held.values, values], 1) : this.engine.copyOf(values),
    });
  }

  /** Makes the rows be those of these numbers; a row may come several times, or not at all. */
  reorder(rows: Uint32Array): void {
    const { held, engine } = this;
    if (!held) return;
    engine.scope(() => {
      const numbers = indices(engine, rows);
      const pick = (x: Tensor) => {
        const [count, tokens, width] = x.shape;
        const picked = embedding(reshape(x, [count, tokens * width]), numbers);
        return reshape(picked, [rows.length, tokens, width]);
      };
      this.hold({ keys: pick(held.keys), values: pick(held.values) });
    }, 'reorder');
  }

  dispose(): void {
    this.held?.keys.dispose();
    this.held?.values.dispose();
    this.held = undefined;
  }

  private hold(made: { keys: Tensor; values: Tensor }): { keys: Tensor; values: Tensor } {
    const before = this.held;
    this.held = this.engine.keep(made);
    before?.keys.dispose();
    before?.values.dispose();
    return this.held;
  }
}
