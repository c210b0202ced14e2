import { ClozeError } from '../../gpu/errors.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import type { TokenizerParts, TokenSink } from './base.ts';
import { BaseTokenizer } from './base.ts';
import { bertSpecialTokens } from './special.ts';
import { bertTemplate } from './template.ts';
import { Vocabulary } from './vocabulary.ts';

/** The pattern that cuts a text into its characters, new lines too (`.` would leave them out). */
export const anyCharacter = '[\\s\\S]';

/**
 * One token a Unicode code point, blanks and new lines included; a code point outside the vocabulary is [UNK].
 *
 * In tokenizer.json this is a BPE model without merges behind a pre-tokenizer that isolates each character, which
 * Hugging Face's libraries load.
 */
export class CharTokenizer extends BaseTokenizer {
  readonly kind = 'char';
  private readonly byCodePoint = new Map<number, number>();

  /** Throws ClozeError `format` when a token is neither an added token nor a single code point. */
  constructor(parts: TokenizerParts, name = 'tokenizer') {
    super(parts);
    const added = new Set(parts.added.list.map((token) => token.id));
    parts.vocabulary.tokens.forEach((token, id) => {
      if (added.has(id)) return;
      const codePoint = token.codePointAt(0)!;
      if (token !== String.fromCodePoint(codePoint)) {
        throw new ClozeError('format', `${name}: the token ${JSON.stringify(token)} is not one character`);
      }
      this.byCodePoint.set(codePoint, id);
    });
  }

  /** The tokenizer of these characters: the special tokens of BERT get ids 0 to 4, the characters follow. */
  static of(characters: readonly string[]): CharTokenizer {
    const added = new AddedTokens(bertSpecialTokens.map((content, id) => specialToken(id, content)));
    return new CharTokenizer({
      vocabulary: new Vocabulary([...bertSpecialTokens, ...characters], 'characters'),
      added,
      special: { pad: 0, unk: 1, cls: 2, sep: 3, mask: 4 },
      template: bertTemplate(2, 3),
    });
  }

  /** Every character stands for itself, so each counts as a word. */
  isWordStart(): boolean {
    return true;
  }

  protected tokenize(text: string, offset: number, word: number, sink: TokenSink): number {
    let at = 0;
    while (at < text.length) {
      const codePoint = text.codePointAt(at)!;
      const end = at + (codePoint > 0xffff ? 2 : 1);
      sink.push(this.byCodePoint.get(codePoint) ?? this.special.unk, offset + at, offset + end, word++);
      at = end;
    }
    return word;
  }

  protected join(tokens: string[]): string {
    return tokens.join('');
  }

  protected familyJSON() {
    return {
      normalizer: null,
      pre_tokenizer: { type: 'Split', pattern: { Regex: anyCharacter }, behavior: 'Isolated', invert: false },
      decoder: { type: 'Fuse' },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: this.vocabulary.token(this.special.unk),
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: this.vocabulary.toJSON(),
        merges: [],
      },
    };
  }
}
