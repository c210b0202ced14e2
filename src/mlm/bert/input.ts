/** From plain arrays to what BERT reads. */
import { type Engine, indices } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import type { Encoding } from '../tokenizer/index.ts';
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
    checkLength(T, config);
    checkBelow('token id', ids, config.vocab_size, 'Use the tokenizer that the model was trained with');
    if (config.type_vocab_size > 0) {
      checkBelow('segment', types, config.type_vocab_size, 'Count segments from 0');
    }
  }
  return {
    ids: indices(engine, ids, shape),
    types: indices(engine, types, shape),
    positions: indices(engine, positions, shape),
    mask: attentionMask ? { mask: engine.tensor(attentionMask, shape) } : {},
  };
}

/** Rows of a padded batch are this long or a multiple of it, so that few shapes are compiled. */
const lengthStep = 16;

/**
 * Texts as one batch: shorter ones are filled up with `pad`, which no token attends to. A single text stays as it is. Returns the
 * batch and its row length T. Throws `input` when the model is too short for a text or lacks a token.
 */
export function paddedInput(
  engine: Engine,
  texts: readonly Pick<Encoding, 'ids' | 'typeIds'>[],
  { config, pad }: { config: BertConfig; pad: number },
): { input: BertInput; T: number } {
  const B = texts.length;
  const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  checkLength(longest, config);
  const rounded = lengthStep * Math.ceil(longest / lengthStep);
  const T = B === 1 ? longest : Math.min(rounded, config.max_position_embeddings);
  const ids = new Uint32Array(B * T).fill(Math.max(pad, 0));
  const types = new Uint32Array(B * T);
  const attentionMask = new Uint32Array(B * T);
  texts.forEach((text, b) => {
    ids.set(text.ids, b * T);
    types.set(text.typeIds, b * T);
    attentionMask.fill(1, b * T, b * T + text.ids.length);
  });
  const padded = attentionMask.includes(0) ? { attentionMask } : {};
  const input = bertInput(engine, { ids, types, shape: [B, T], ...padded }, config);
  // A model that only ever looked to its left would be lost if it saw all.
  const prefix = config.objective === 'causal' ? engine.zeros([B], 'u32') : undefined;
  return { input: { ...input, mask: { ...input.mask, prefix } }, T };
}

/** Throws `input` for a text of more tokens than the model reads. */
export function checkLength(tokens: number, { max_position_embeddings: limit }: BertConfig): void {
  if (tokens <= limit) return;
  throw new ClozeError(
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
