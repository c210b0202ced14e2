import type { DocumentTokenizer } from '../../src/mlm/data/dataset.ts';

/** A tokenizer for tests: five special tokens, then one token for each character of `alphabet`; others are [UNK]. */
export function characterTokenizer(
  alphabet: string,
): DocumentTokenizer & { special: { unk: number }; idToToken(id: number): string } {
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...alphabet];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return {
    vocabSize: tokens.length,
    special: { pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 },
    specialIds: new Set([0, 1, 2, 3, 4]),
    encodeToIds: (text) => Int32Array.from(text, (character) => ids.get(character) ?? 1),
    idToToken: (id) => tokens[id],
  };
}
