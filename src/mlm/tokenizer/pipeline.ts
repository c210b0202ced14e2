/**
 * Tokenizers of families that are not written out here, by Hugging Face's own library for JavaScript: SentencePiece's unigram
 * models (Kudo, "Subword Regularization", 2018) as of T5 and ALBERT, and word pieces or byte pairs behind other normalizers and
 * other ways of cutting words. The library normalises a text, cuts it into words and these into tokens; special tokens, templates,
 * pairs and places are as for all families.
 *
 * The library reads the normalizer `Precompiled` as Unicode's NFKC, and a blank as JavaScript's \s. With the files of T5 and ALBERT
 * the ids are those of the Python library but for texts with U+0085, U+FEFF or marks that NFKC puts in another order.
 */
import { Tokenizer as Library } from '@huggingface/tokenizers';
import { ClozeError } from '../../gpu/errors.ts';
import { BaseTokenizer, type TokenizerParts, type TokenSink } from './base.ts';
import { byteBlanks } from './byte-bpe.ts';
import { partsOf } from './parts.ts';
import { Places, type Surface } from './places.ts';
import type { TokenizerFile } from './schema.ts';
import type { TokenizerKind } from './tokenizer.ts';
import { WordCache } from './word-cache.ts';

/** The tokens of a word: their ids, and what each stands for in the normalised text. */
interface Word {
  ids: number[];
  surfaces: Surface[];
}

/** Longer words are cut: the library passes the tokens of one as the arguments of a call. */
const longestWord = 1 << 14;

export class PipelineTokenizer extends BaseTokenizer {
  readonly kind: TokenizerKind;
  private readonly file: TokenizerFile;
  private readonly library: Library;
  private readonly marks: Marks;
  private readonly cache = new WordCache((text) => this.cut(text));

  /** Throws ClozeError `format`, naming `name`, for what the library does not know. */
  constructor(parts: TokenizerParts, kind: TokenizerKind, file: TokenizerFile, name: string) {
    super(parts);
    this.kind = kind;
    this.file = file;
    this.marks = marksOf(file);
    try {
      // Added tokens are cut out before the library sees a text.
      this.library = new Library({ ...file, added_tokens: [] }, {});
    } catch (cause) {
      const reason = (cause as Error).message.split('\n')[0];
      throw new ClozeError('format', `${name} cannot be used: ${reason}`, undefined, { cause });
    }
  }

  /** As far as the marks of its family tell; where there are none, every token begins a word. */
  isWordStart(id: number): boolean {
    const token = this.vocabulary.token(id);
    const { blank, bytes, continuation } = this.marks;
    if (this.specialIds.has(id)) return true;
    if (bytes) return byteBlanks.has(token[0]);
    if (continuation) return !token.startsWith(continuation);
    return !blank || token.startsWith(blank);
  }

  protected tokenize(text: string, offset: number, word: number, sink: TokenSink): number {
    const normal = this.normalize(text);
    const places = sink.idsAlone ? undefined : new Places(text, normal, (part) => this.normalize(part));
    let added = this.marks.addsBlank && !normal.startsWith(' ') ? 1 : 0;
    let next = word;
    for (const piece of this.words(normal, offset === 0)) {
      for (const part of partsOf(piece, longestWord)) {
        const { ids, surfaces } = this.cache.get(part);
        for (let i = 0; i < ids.length; i++) {
          const surface = surfaces[i];
          const [start, end] = places?.next(typeof surface === 'number' ? surface - added : surface) ?? [
            0, 0,
          ];
          added = 0;
          sink.push(ids[i], offset + start, offset + end, next);
        }
      }
      next++;
    }
    return next;
  }

  protected join(tokens: string[]): string {
    return this.library.decoder?.(tokens) ?? tokens.join(' ');
  }

  protected familyJSON() {
    const { normalizer = null, pre_tokenizer = null, decoder = null, model } = this.file;
    return { normalizer, pre_tokenizer, decoder, model };
  }

  private normalize(text: string): string {
    return this.library.normalizer?.(text) ?? text;
  }

  private words(normal: string, first: boolean): string[] {
    const { pre_tokenizer } = this.library;
    const words: string[] = pre_tokenizer?.(normal, { section_index: first ? 0 : 1 }) ?? [normal];
    const { beforeBlank } = this.marks;
    return beforeBlank ? words.flatMap((word) => word.split(beforeBlank)) : words;
  }

  /** What has no token at all is left out, as by the library. Unknown characters side by side are one token where the model says so. */
  private cut(text: string): Word {
    const { model } = this.library;
    const word: Word = { ids: [], surfaces: [] };
    const tokens = model?.encode([text]) ?? [];
    const { unk } = this.special;
    for (const token of tokens) {
      const id = this.vocabulary.id(token) ?? unk;
      if (id < 0) continue;
      const last = word.ids.length - 1;
      const surface = this.surface(token, id === unk && tokens.length === 1 ? text : undefined);
      if (model?.fuse_unk && id === unk && word.ids[last] === unk) {
        word.surfaces[last] = `${word.surfaces[last]}${surface}`;
      } else {
        word.ids.push(id);
        word.surfaces.push(surface);
      }
    }
    return word;
  }

  private surface(token: string, unknown: string | undefined): Surface {
    const { blank, bytes, continuation } = this.marks;
    if (bytes) return unknown?.length ?? token.length;
    if (byteToken.test(token)) return 1;
    const text = unknown ?? token;
    const rest = continuation && text.startsWith(continuation) ? text.slice(continuation.length) : text;
    return blank ? rest.replaceAll(blank, ' ') : rest;
  }
}

/** The tokens for single bytes of models that fall back on them. */
const byteToken = /^<0x[0-9A-F]{2}>$/;

/** By what tokens show where words begin. */
interface Marks {
  /** What stands for a blank: "▁". */
  blank?: string;
  /** Where each blank begins a word: the places to cut at. */
  beforeBlank?: RegExp;
  /** Whether tokens are written in the alphabet of bytes, and whether a text gets a blank put before it. */
  bytes: boolean;
  addsBlank: boolean;
  /** What marks a token that goes on with a word: "##". */
  continuation?: string;
}

type Component = { type: string; [field: string]: unknown };

function marksOf({ normalizer, pre_tokenizer, decoder, model }: TokenizerFile): Marks {
  const cutting = flattened(pre_tokenizer);
  const all = [...flattened(normalizer), ...cutting, ...flattened(decoder)];
  const named = (parts: readonly Component[], type: string) => parts.find((part) => part.type === type);
  const metaspace = named(cutting, 'Metaspace');
  const blank = (metaspace ?? named(all, 'Metaspace'))?.replacement ?? named(all, 'Prepend')?.prepend;
  const byteLevel = named(cutting, 'ByteLevel');
  return {
    ...(typeof blank === 'string' && { blank }),
    ...(typeof blank === 'string' &&
      metaspace &&
      metaspace.split !== false && { beforeBlank: before(blank) }),
    bytes: byteLevel !== undefined,
    addsBlank: byteLevel?.add_prefix_space === true,
    ...(model.type === 'WordPiece' && { continuation: String(model.continuing_subword_prefix ?? '##') }),
  };
}

/** A component, or those that it is a sequence of. */
function flattened(component: Component | null | undefined): Component[] {
  if (!component) return [];
  if (component.type !== 'Sequence') return [component];
  return Object.values(component).flatMap((field) =>
    Array.isArray(field) ? field.flatMap((part: Component) => flattened(part)) : [],
  );
}

const before = (text: string) => new RegExp(`(?=${text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')})`, 'u');
