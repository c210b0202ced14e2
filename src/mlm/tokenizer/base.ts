import { ClozeError } from '../../gpu/errors.ts';
import type { AddedTokens } from './added-tokens.ts';
import type { Template } from './template.ts';
import { templateToJSON } from './template.ts';
import type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  SpecialIds,
  Tokenizer,
  TokenizerKind,
} from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What all families are made of. */
export interface TokenizerParts {
  vocabulary: Vocabulary;
  added: AddedTokens;
  special: SpecialIds;
  template: Template;
}

/** Receives the tokens of one text in order. */
export interface TokenSink {
  /** Whether places and words are not looked at, so that a family may leave them at 0. */
  readonly idsAlone?: boolean;
  push(id: number, start: number, end: number, word: number): void;
}

/**
 * What the families share: cutting the text at special tokens, the places of special tokens, pairs, truncation,
 * padding. A family adds how it cuts plain text into tokens and how tokens become text again.
 */
export abstract class BaseTokenizer implements Tokenizer {
  abstract readonly kind: TokenizerKind;
  readonly special: SpecialIds;
  readonly specialIds: ReadonlySet<number>;
  protected readonly vocabulary: Vocabulary;
  private readonly added: AddedTokens;
  private readonly template: Template;

  constructor(parts: TokenizerParts) {
    this.vocabulary = parts.vocabulary;
    this.added = parts.added;
    this.special = parts.special;
    this.template = parts.template;
    this.specialIds = new Set(parts.added.list.filter((token) => token.special).map((token) => token.id));
  }

  /**
   * Pushes the tokens of `text`, which holds no added token. Offsets count from `offset`, words from `word`.
   * Returns the number that the next word gets.
   */
  protected abstract tokenize(text: string, offset: number, word: number, sink: TokenSink): number;

  /** The text that tokens make together. */
  protected abstract join(tokens: string[]): string;

  /** The parts of tokenizer.json that are the family's own. */
  protected abstract familyJSON(): {
    normalizer: object | null;
    pre_tokenizer: object | null;
    decoder: object | null;
    model: object;
  };

  abstract isWordStart(id: number): boolean;

  get vocabSize(): number {
    return this.vocabulary.size;
  }

  tokenToId(token: string): number | undefined {
    return this.vocabulary.id(token);
  }

  idToToken(id: number): string {
    return this.vocabulary.token(id);
  }

  encode(text: string, options: EncodeOptions = {}): Encoding {
    const { pair, addSpecialTokens = true, maxLength, truncation, padding } = options;
    const texts = [this.tokensOf(text)];
    if (pair !== undefined) texts.push(this.tokensOf(pair));

    const items = (pair === undefined ? this.template.single : this.template.pair).filter(
      (item) => addSpecialTokens || 'text' in item,
    );
    const added = items.length - texts.length;
    checkLength(options, added, this.special.pad);
    if (truncation !== undefined && maxLength !== undefined) truncate(texts, maxLength - added);

    const encoding = emptyEncoding();
    for (const item of items) {
      if ('token' in item) this.append(encoding, item.token, item.typeId, 1, [0, 0], null);
      else {
        for (const { id, start, end, word } of texts[item.text]) {
          this.append(encoding, id, item.typeId, 1, [start, end], word);
        }
      }
    }
    if (padding !== undefined) {
      while (encoding.ids.length < maxLength!) this.append(encoding, this.special.pad, 0, 0, [0, 0], null);
    }
    return encoding;
  }

  encodeToIds(text: string): Int32Array {
    const sink = new IdSink(Math.min(text.length, 1 << 16));
    this.run(text, sink);
    return sink.ids;
  }

  decode(ids: ArrayLike<number>, options: DecodeOptions = {}): string {
    const kept = Array.from(ids).filter((id) => !(options.skipSpecialTokens && this.specialIds.has(id)));
    return this.join(kept.map((id) => this.vocabulary.token(id)));
  }

  toJSON(): object {
    const { normalizer, pre_tokenizer, decoder, model } = this.familyJSON();
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: this.added.list.map((token) => ({ ...token })),
      normalizer,
      pre_tokenizer,
      post_processor: templateToJSON(this.template, (id) => this.vocabulary.token(id)),
      decoder,
      model,
    };
  }

  private tokensOf(text: string): Piece[] {
    const pieces: Piece[] = [];
    this.run(text, { push: (id, start, end, word) => pieces.push({ id, start, end, word }) });
    return pieces;
  }

  private run(text: string, sink: TokenSink): void {
    const wellFormed = text.replace(/\p{Surrogate}/gu, '\uFFFD');
    let word = 0;
    for (const { start, end, id } of this.added.split(wellFormed)) {
      if (id === null) word = this.tokenize(wellFormed.slice(start, end), start, word, sink);
      else sink.push(id, start, end, word++);
    }
  }

  private append(
    encoding: Encoding,
    id: number,
    typeId: number,
    attention: number,
    offset: [number, number],
    word: number | null,
  ): void {
    encoding.ids.push(id);
    encoding.tokens.push(this.vocabulary.token(id));
    encoding.typeIds.push(typeId);
    encoding.attentionMask.push(attention);
    encoding.specialTokensMask.push(this.specialIds.has(id) ? 1 : 0);
    encoding.offsets.push(offset);
    encoding.wordIds.push(word);
  }
}

interface Piece {
  id: number;
  start: number;
  end: number;
  word: number;
}

/** Collects ids alone, in an array that grows. */
class IdSink implements TokenSink {
  readonly idsAlone = true;
  private buffer: Int32Array;
  private length = 0;

  constructor(expected: number) {
    this.buffer = new Int32Array(expected);
  }

  push(id: number): void {
    if (this.length === this.buffer.length) {
      const larger = new Int32Array(2 * this.length + 16);
      larger.set(this.buffer);
      this.buffer = larger;
    }
    this.buffer[this.length++] = id;
  }

  get ids(): Int32Array {
    return this.buffer.slice(0, this.length);
  }
}

function emptyEncoding(): Encoding {
  return {
    ids: [],
    tokens: [],
    typeIds: [],
    attentionMask: [],
    specialTokensMask: [],
    offsets: [],
    wordIds: [],
  };
}

function checkLength(options: EncodeOptions, added: number, pad: number): void {
  const { maxLength, truncation, padding } = options;
  if (maxLength === undefined) {
    if (truncation === undefined && padding === undefined) return;
    throw new ClozeError('option', 'Truncation and padding need a length', 'Give maxLength.');
  }
  if (!Number.isInteger(maxLength) || maxLength < added) {
    const remedy = `Give a whole number from ${added} up.`;
    throw new ClozeError(
      'option',
      `maxLength is ${maxLength}, and the special tokens alone take ${added}`,
      remedy,
    );
  }
  if (padding !== undefined && pad < 0) {
    throw new ClozeError('option', 'This tokenizer has no padding token', 'Leave padding out.');
  }
}

/** Shortens the one or two texts to `room` tokens together, as google-research/bert's `_truncate_seq_pair` does. */
function truncate(texts: Piece[][], room: number): void {
  const [first, second = []] = texts;
  let a = first.length;
  let b = second.length;
  while (a + b > room) {
    if (a > b) a--;
    else b--;
  }
  first.length = a;
  second.length = b;
}
