import { ClozeError } from '../../gpu/errors.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import type { TokenizerParts, TokenSink } from './base.ts';
import { BaseTokenizer } from './base.ts';
import type { BertWordOptions } from './bert-words.ts';
import { BertWords } from './bert-words.ts';
import { bertSpecialTokens } from './special.ts';
import { bertTemplate } from './template.ts';
import type { Vocabulary } from './vocabulary.ts';
import { WordCache } from './word-cache.ts';

export interface WordPieceOptions {
  words: BertWordOptions;
  /** Marks a token that continues a word. BERT: '##'. */
  prefix: string;
  /** Words of more code points than this are one unknown token. BERT: 100. */
  maxWordLength: number;
}

/** The tokens of a stretch of text between two blanks; offsets and words count from its beginning. */
interface Run {
  ids: number[];
  starts: number[];
  ends: number[];
  words: number[];
  wordCount: number;
}

/** Longer runs without a blank are cut: each character of one takes memory until it is done. */
const longestRun = 1 << 18;

/**
 * WordPiece as in BERT: words by {@link BertWords}, then greedily the longest token that the rest of the word begins
 * with. A word that cannot be covered becomes one [UNK].
 */
export class WordPieceTokenizer extends BaseTokenizer {
  readonly kind = 'wordpiece';
  private readonly options: WordPieceOptions;
  private readonly words: BertWords;
  /** Token text to id: tokens that may begin a word, and those that may continue one, without their prefix. */
  private readonly heads = new Map<string, number>();
  private readonly tails = new Map<string, number>();
  private readonly longest: number;
  private readonly cache = new WordCache((text) => this.cut(text));

  constructor(parts: TokenizerParts, options: WordPieceOptions) {
    super(parts);
    this.options = options;
    this.words = new BertWords(options.words);
    let longest = 0;
    parts.vocabulary.tokens.forEach((token, id) => {
      longest = Math.max(longest, token.length);
      this.heads.set(token, id);
      if (token.startsWith(options.prefix)) this.tails.set(token.slice(options.prefix.length), id);
    });
    this.longest = longest;
  }

  /** BERT's own settings with this vocabulary. Throws ClozeError `format`, naming `name`, when a special token is missing. */
  static bert(vocabulary: Vocabulary, lowercase: boolean, name: string): WordPieceTokenizer {
    const [pad, unk, cls, sep, mask] = bertSpecialTokens.map((token) => {
      const id = vocabulary.id(token);
      if (id === undefined) throw new ClozeError('format', `${name}: the vocabulary has no ${token} token`);
      return id;
    });
    const special = { pad, unk, cls, sep, mask };
    const added = new AddedTokens(
      bertSpecialTokens.map((token) => specialToken(vocabulary.id(token)!, token)),
    );
    return new WordPieceTokenizer(
      { vocabulary, added, special, template: bertTemplate(cls, sep) },
      {
        words: { cleanText: true, handleChineseChars: true, stripAccents: lowercase, lowercase },
        prefix: '##',
        maxWordLength: 100,
      },
    );
  }

  isWordStart(id: number): boolean {
    return !this.vocabulary.token(id).startsWith(this.options.prefix);
  }

  protected tokenize(text: string, offset: number, word: number, sink: TokenSink): number {
    let next = word;
    let end = 0;
    for (let start = 0; start < text.length; start = Math.max(start + 1, end)) {
      end = start;
      const limit = Math.min(text.length, start + longestRun);
      while (end < limit && !isBlank(text.charCodeAt(end))) end++;
      if (end === start) continue;
      const run = this.cache.get(text.slice(start, end));
      for (let i = 0; i < run.ids.length; i++) {
        const from = offset + start;
        sink.push(run.ids[i], from + run.starts[i], from + run.ends[i], next + run.words[i]);
      }
      next += run.wordCount;
    }
    return next;
  }

  private cut(text: string): Run {
    const words = this.words.split(text);
    const run: Run = { ids: [], starts: [], ends: [], words: [], wordCount: words.length };
    words.forEach((word, index) => {
      const cuts = this.cutWord(word.text) ?? [{ id: this.special.unk, start: 0, end: word.text.length }];
      for (const { id, start, end } of cuts) {
        run.ids.push(id);
        run.starts.push(word.starts[start]);
        run.ends.push(word.ends[end - 1]);
        run.words.push(index);
      }
    });
    return run;
  }

  /** The longest token first, from left to right; null when the word is too long or some rest has no token. */
  private cutWord(word: string): { id: number; start: number; end: number }[] | null {
    const limit = this.options.maxWordLength;
    if (word.length > limit && Array.from(word).length > limit) return null;
    const cuts: { id: number; start: number; end: number }[] = [];
    for (let start = 0; start < word.length; ) {
      const tokens = start === 0 ? this.heads : this.tails;
      let end = Math.min(word.length, start + this.longest);
      let id = tokens.get(word.slice(start, end));
      while (id === undefined && --end > start) id = tokens.get(word.slice(start, end));
      if (id === undefined) return null;
      cuts.push({ id, start, end });
      start = end;
    }
    return cuts;
  }

  /** Joins continuations to their word and takes back the blanks around punctuation that cutting put in. */
  protected join(tokens: string[]): string {
    const { prefix } = this.options;
    return tokens
      .map((token, i) => {
        if (i === 0) return token;
        return token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      })
      .join('')
      .replace(/ ([.?!,])/g, '$1')
      .replaceAll(" ' ", "'")
      .replace(/ (n't|'m|'s|'ve|'re)/g, '$1');
  }

  protected familyJSON() {
    const { words, prefix, maxWordLength } = this.options;
    return {
      normalizer: {
        type: 'BertNormalizer',
        clean_text: words.cleanText,
        handle_chinese_chars: words.handleChineseChars,
        strip_accents: words.stripAccents === words.lowercase ? null : words.stripAccents,
        lowercase: words.lowercase,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix, cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: this.vocabulary.token(this.special.unk),
        continuing_subword_prefix: prefix,
        max_input_chars_per_word: maxWordLength,
        vocab: this.vocabulary.toJSON(),
      },
    };
  }
}

/** Blank in every setting, and in no word: enough to find the runs, the rest is for {@link BertWords}. */
function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x09 || unit === 0x0d;
}
