/** What every tokenizer of Cloze offers, and the shape of what it returns: the names are Hugging Face's. */

/**
 * One encoded text (or pair of texts): parallel arrays, one entry a token.
 *
 * `offsets` are half-open ranges of UTF-16 units, so `text.slice(...offsets[i])` is what token i stands for; in a
 * pair they count within the text that the token came from. `wordIds` number the words of each text from 0.
 * Tokens that no text holds ([CLS], padding) have the offset [0, 0] and the word null.
 */
export interface Encoding {
  ids: number[];
  tokens: string[];
  /** 0 for the first text, 1 for the second. */
  typeIds: number[];
  /** 1 for a token, 0 for padding. */
  attentionMask: number[];
  /** 1 for every special token, whether it was added or stands in the text. */
  specialTokensMask: number[];
  offsets: [number, number][];
  wordIds: (number | null)[];
}

export interface EncodeOptions {
  /** A second text, encoded together with the first. */
  pair?: string;
  /** Whether to add the special tokens of the family, such as [CLS] and [SEP]. Default true. */
  addSpecialTokens?: boolean;
  /** Tokens, with the special ones: the length that `truncation` cuts to and `padding` fills up to. */
  maxLength?: number;
  /** Drops tokens from the end of whichever text is longer, one at a time, the second where both are equal. */
  truncation?: 'longest_first';
  padding?: 'max_length';
}

export interface DecodeOptions {
  /** Leave special tokens out of the text. Default false. */
  skipSpecialTokens?: boolean;
}

/** The id of each special token, -1 where a family has none (GPT-2 has no mask). */
export interface SpecialIds {
  readonly pad: number;
  readonly unk: number;
  readonly cls: number;
  readonly sep: number;
  readonly mask: number;
}

/** The tokenizers that are learnt here; `bytes` needs no text for it. */
export const trainedKinds = ['char', 'bytes', 'wordpiece', 'bpe'] as const;

export type TrainedKind = (typeof trainedKinds)[number];

/** Those, and the models of a tokenizer.json that are not learnt here. */
export type TokenizerKind = TrainedKind | 'unigram' | 'wordlevel';

export interface Tokenizer {
  readonly kind: TokenizerKind;
  readonly vocabSize: number;
  readonly special: SpecialIds;
  /** Every special token's id: never to be masked, never to be drawn as a replacement. */
  readonly specialIds: ReadonlySet<number>;

  /**
   * Unpaired surrogates in `text` are read as U+FFFD; special tokens written in it are recognised.
   * Throws ClozeError `option` when `maxLength` cannot hold the special tokens, or padding lacks a length or a token.
   */
  encode(text: string, options?: EncodeOptions): Encoding;

  /** The ids of `encode` alone, without special tokens added: the fast path for a corpus. */
  encodeToIds(text: string): Int32Array;

  /** The text that ids stand for. Throws ClozeError `input` for an id outside the vocabulary. */
  decode(ids: ArrayLike<number>, options?: DecodeOptions): string;

  tokenToId(token: string): number | undefined;

  /** Throws ClozeError `input` for an id outside the vocabulary. */
  idToToken(id: number): string;

  /** Whether a token begins a word, as far as the token alone can tell: for whole-word masking. */
  isWordStart(id: number): boolean;

  /** The object to write as Hugging Face's tokenizer.json. */
  toJSON(): object;
}
