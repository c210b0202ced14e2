/** From plain arrays to what BERT reads. */
import { type Engine, indices } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { BertConfig } from './config.ts';
import type { BertInput } from './model.ts';

/** A batch of B sequences of T tokens, all arrays [B, T] row by row. */
export interface BertInputArrays {
  ids: Uint32Array;
  shape: readonly [B: number, T: number];
  /** Which segment a token belongs to; default 0 for all. */
  types?: Uint32Array;
  /** A token's place in its text; default: its place in its sequence. */
  positions?: Uint32Array;
  /** 0 for tokens that no other may attend to, padding above all; default 1 for all. */
  attentionMask?: Uint32Array;
}

/**
 * Uploads a batch. Throws `shape` when an array does not fill the shape and,
 * with the model's `config`, `input` when the model is too short for the sequences or lacks an id or a segment.
 */
export function bertInput(engine: Engine, arrays: BertInputArrays, config?: BertConfig): BertInput {
  const { ids, attentionMask, shape } = arrays;
  const [B, T] = shape;
  const { types = new Uint32Array(B * T) } = arrays;
  const { positions = Uint32Array.from({ length: B * T }, (_, i) => i % T) } = arrays;
  for (const [name, values] of Object.entries({ ids, types, positions, attentionMask })) {
    if (values && values.length !== B * T) {
      throw new ClozeError('shape', `${name} has ${values.length} values, and [${B}, ${T}] takes ${B * T}`);
    }
  }
  if (config) {
    if (T > config.max_position_embeddings) throw tooLong(T, config.max_position_embeddings);
    checkBelow('token id', ids, config.vocab_size, 'Use the tokenizer that the model was trained with');
    checkBelow('segment', types, config.type_vocab_size, 'Count segments from 0');
  }
  return {
    ids: indices(engine, ids, shape),
    types: indices(engine, types, shape),
    positions: indices(engine, positions, shape),
    mask: attentionMask ? { mask: engine.tensor(attentionMask, shape) } : {},
  };
}

/** The error for a text of `tokens` tokens where the model reads `limit`. */
function tooLong(tokens: number, limit: number): ClozeError {
  return new ClozeError(
    'input',
    `the text has ${tokens} tokens, and this model reads at most ${limit}`,
    `Shorten it to ${limit} tokens, special tokens included`,
  );
}

function checkBelow(what: string, values: Uint32Array, limit: number, remedy: string): void {
  const at = values.findIndex((value) => value >= limit);
  if (at < 0) return;
  throw new ClozeError(
    'input',
    `${what} ${values[at]} at place ${at} does not exist: this model has ${limit}`,
    remedy,
  );
}
