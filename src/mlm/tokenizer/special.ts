import { ClozeError } from '../../gpu/errors.ts';
import type { SpecialIds } from './tokenizer.ts';

/** The special tokens of BERT in the order in which Cloze numbers them: pad, unk, cls, sep, mask. */
export const bertSpecialTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/**
 * The special tokens by their usual names, among what `idOf` knows; -1 for what it does not know. Where one token ends texts and
 * none begins them (T5's </s>, GPT-2's <|endoftext|>) it does both. With a `name`, the name of the file, all of them must be
 * there: throws ClozeError `format` otherwise.
 */
export function findSpecial(
  idOf: (token: string) => number | undefined,
  unk: string | undefined,
  name?: string,
): SpecialIds {
  const find = (...tokens: string[]): number => {
    const id = tokens.map(idOf).find((found) => found !== undefined);
    if (id === undefined && name !== undefined) {
      throw new ClozeError('format', `${name}: the vocabulary has no ${tokens[0]} token`);
    }
    return id ?? -1;
  };
  return {
    pad: find('[PAD]', '<pad>'),
    unk: unk === undefined ? find('[UNK]', '<unk>') : find(unk),
    cls: find('[CLS]', '<s>', '</s>', '<|endoftext|>'),
    sep: find('[SEP]', '</s>', '<|endoftext|>'),
    mask: find('[MASK]', '<mask>'),
  };
}
