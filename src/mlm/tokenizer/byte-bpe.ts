import { ClozeError } from '../../gpu/errors.ts';
import type { TokenizerParts, TokenSink } from './base.ts';
import { BaseTokenizer } from './base.ts';
import { byteCharacters, fromByteCharacters, toByteCharacters, utf8Length } from './byte-alphabet.ts';
import { Heap } from './heap.ts';
import { pairKey } from './merges.ts';
import { partsOf } from './parts.ts';
import { WordCache } from './word-cache.ts';

export interface ByteBpeOptions {
  /** Pairs of token ids, the earliest learnt first. */
  merges: readonly (readonly [number, number])[];
  /** Put a blank before each text that does not begin with one. */
  addPrefixSpace: boolean;
}

/** A word's tokens and the UTF-16 units that each covers; a character cut between two tokens counts to both. */
interface Word {
  ids: number[];
  starts: number[];
  ends: number[];
}

/**
 * GPT-2's cut into words (Radford et al., "Language Models are Unsupervised Multitask Learners", 2019): English
 * endings; letters, digits or other signs with at most one blank before; runs of blanks, whose last one is left to
 * the word that follows.
 */
const wordPattern =
  /'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** The words of `text`, one after the other: put together they are the text again. */
export function byteBpeWords(text: string): Iterable<RegExpExecArray> {
  return text.matchAll(wordPattern);
}

/** Space, tabulator and new lines as they look in the vocabulary. */
export const byteBlanks: ReadonlySet<string> = new Set(toByteCharacters(' \t\n\r'));

/** Longer words are cut: a file without blanks must not become one list of millions of symbols. */
const longestWord = 1 << 18;

/**
 * Byte-level byte-pair encoding as in GPT-2 and RoBERTa: each word's UTF-8 bytes, then the learnt merges in the order
 * in which they were learnt. Every text has an encoding, and decoding gives it back. Without merges a token is a byte.
 */
export class ByteBpeTokenizer extends BaseTokenizer {
  readonly kind: 'bytes' | 'bpe';
  private readonly options: ByteBpeOptions;
  private readonly byteIds: number[];
  /** Rank of each pair, and the token that the merge of that rank makes. */
  private readonly ranks = new Map<number, number>();
  private readonly merged: number[];
  private readonly cache = new WordCache((text) => this.mergeBytes(text));

  /** Throws ClozeError `format`, naming `name`, when a byte or the outcome of a merge has no token. */
  constructor(parts: TokenizerParts, options: ByteBpeOptions, name = 'tokenizer') {
    super(parts);
    this.options = options;
    this.kind = options.merges.length === 0 ? 'bytes' : 'bpe';
    const { vocabulary } = parts;
    const idOf = (token: string, what: string) => {
      const id = vocabulary.id(token);
      if (id === undefined)
        throw new ClozeError('format', `${name}: the vocabulary lacks ${what}, "${token}"`);
      return id;
    };
    this.byteIds = byteCharacters.map((character, byte) => idOf(character, `the byte ${byte}`));
    this.merged = options.merges.map(([left, right], rank) => {
      this.ranks.set(pairKey(left, right), rank);
      return idOf(vocabulary.token(left) + vocabulary.token(right), `what merge ${rank} makes`);
    });
  }

  /** A token that begins with a blank begins a word; so does a special one. */
  isWordStart(id: number): boolean {
    return this.specialIds.has(id) || byteBlanks.has(this.vocabulary.token(id)[0]);
  }

  protected tokenize(text: string, offset: number, word: number, sink: TokenSink): number {
    const prefix = this.options.addPrefixSpace && !text.startsWith(' ') ? 1 : 0;
    let next = word;
    for (const match of byteBpeWords(prefix ? ` ${text}` : text)) {
      let from = offset + match.index - prefix;
      for (const part of partsOf(match[0], longestWord)) {
        const { ids, starts, ends } = this.cache.get(part);
        for (let i = 0; i < ids.length; i++) {
          sink.push(ids[i], Math.max(offset, from + starts[i]), from + ends[i], next);
        }
        from += part.length;
      }
      next++;
    }
    return next;
  }

  /**
   * Applies the merges to the bytes of `text`: always the one learnt first, at its leftmost place. The symbols form
   * a linked list and a heap holds the possible merges, so a word of n bytes takes n log n steps.
   */
  private mergeBytes(text: string): Word {
    const bytes = utf8.encode(text);
    const ids = Array.from(bytes, (byte) => this.byteIds[byte]);
    const next = ids.map((_, i) => i + 1);
    const previous = ids.map((_, i) => i - 1);
    const heap = new Heap<{ rank: number; at: number; left: number; right: number }>(
      (a, b) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at),
    );
    const consider = (at: number) => {
      if (at < 0 || next[at] >= ids.length) return;
      const left = ids[at];
      const right = ids[next[at]];
      const rank = this.ranks.get(pairKey(left, right));
      if (rank !== undefined) heap.push({ rank, at, left, right });
    };
    for (let i = 0; i + 1 < ids.length; i++) consider(i);

    for (let best = heap.pop(); best !== undefined; best = heap.pop()) {
      const { at, left, right, rank } = best;
      const gone = next[at];
      // A merge made in the meantime may have taken one of the two; the id of what is gone is -1.
      if (ids[at] !== left || gone >= ids.length || ids[gone] !== right) continue;
      ids[at] = this.merged[rank];
      ids[gone] = -1;
      next[at] = next[gone];
      if (next[at] < ids.length) previous[next[at]] = at;
      consider(previous[at]);
      consider(at);
    }

    const { starts, ends } = unitsOfBytes(text);
    const word: Word = { ids: [], starts: [], ends: [] };
    for (let at = 0; at < ids.length; at = next[at]) {
      word.ids.push(ids[at]);
      word.starts.push(starts[at]);
      word.ends.push(ends[next[at] - 1]);
    }
    return word;
  }

  protected join(tokens: string[]): string {
    return fromByteCharacters(tokens);
  }

  protected familyJSON() {
    const byteLevel = {
      type: 'ByteLevel',
      add_prefix_space: this.options.addPrefixSpace,
      trim_offsets: false,
    };
    return {
      normalizer: null,
      pre_tokenizer: { ...byteLevel, use_regex: true },
      decoder: { ...byteLevel, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: this.special.unk < 0 ? null : this.vocabulary.token(this.special.unk),
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: this.vocabulary.toJSON(),
        merges: this.options.merges.map((pair) => pair.map((id) => this.vocabulary.token(id)).join(' ')),
      },
    };
  }
}

const utf8 = new TextEncoder();

/** For each UTF-8 byte of `text` where the character it belongs to starts and ends, in UTF-16 units. */
function unitsOfBytes(text: string): { starts: number[]; ends: number[] } {
  const starts: number[] = [];
  const ends: number[] = [];
  let unit = 0;
  for (const character of text) {
    for (let byte = utf8Length(character.codePointAt(0)!); byte > 0; byte--) {
      starts.push(unit);
      ends.push(unit + character.length);
    }
    unit += character.length;
  }
  return { starts, ends };
}
