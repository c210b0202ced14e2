import { ClozeError } from '../../gpu/errors.ts';
import type { AddedToken } from './added-tokens.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import type { TokenizerParts } from './base.ts';
import { ByteBpeTokenizer } from './byte-bpe.ts';
import { CharTokenizer } from './characters.ts';
import type { TokenizerFile } from './schema.ts';
import {
  bertNormalizer,
  bpeModel,
  byteLevel,
  check,
  postProcessor,
  splitCharacters,
  tokenizerFile,
  wordPieceModel,
} from './schema.ts';
import { findSpecial } from './special.ts';
import type { Template } from './template.ts';
import { bareTemplate, bertTemplate, robertaTemplate } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordPieceTokenizer } from './wordpiece.ts';

const knownFamilies =
  'Cloze reads BERT WordPiece, byte-level BPE as in GPT-2 and RoBERTa, and its own character tokenizers.';

/**
 * A tokenizer from the parsed content of a Hugging Face tokenizer.json. `name` stands for the file in messages.
 * Its `truncation` and `padding` are ignored: they belong to the call of `encode`.
 *
 * Throws ClozeError `format`, naming the field, for what is malformed, of an unknown family, has ids that are
 * missing or used twice, or (WordPiece, characters) lacks one of [PAD] [UNK] [CLS] [SEP] [MASK].
 */
export function parseTokenizer(json: unknown, name = 'tokenizer.json'): Tokenizer {
  const file = check(tokenizerFile, json, name);
  const type = file.model.type ?? ('merges' in file.model ? 'BPE' : 'WordPiece');
  if (type === 'WordPiece') return readWordPiece(file, name);
  if (type === 'BPE' && file.pre_tokenizer?.type === 'Split') return readCharacters(file, name);
  if (type === 'BPE') return readByteBpe(file, name);
  throw new ClozeError('format', `${name}: the model type "${type}" is not known`, knownFamilies);
}

/**
 * A BERT tokenizer from the text of a vocab.txt: one token a line, its id the number of the line from 0.
 * `lowercase` (default true) also strips accents, as in the uncased models. Throws ClozeError `format` for a token
 * that is empty, comes twice, or is missing among [PAD] [UNK] [CLS] [SEP] [MASK].
 */
export function parseVocabTxt(text: string, options: { lowercase?: boolean; name?: string } = {}): Tokenizer {
  const { lowercase = true, name = 'vocab.txt' } = options;
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocabulary = new Vocabulary(lines, name);
  return WordPieceTokenizer.bert(vocabulary, lowercase, name);
}

function readWordPiece(file: TokenizerFile, name: string): Tokenizer {
  const model = check(wordPieceModel, file.model, name, 'model');
  if (file.normalizer?.type !== 'BertNormalizer') {
    throw unknownPart(name, 'normalizer', file.normalizer?.type);
  }
  if (file.pre_tokenizer?.type !== 'BertPreTokenizer') {
    throw unknownPart(name, 'pre_tokenizer', file.pre_tokenizer?.type);
  }
  const normalizer = check(bertNormalizer, file.normalizer, name, 'normalizer');
  return new WordPieceTokenizer(readParts(file, model.vocab, model.unk_token, true, name), {
    words: {
      cleanText: normalizer.clean_text,
      handleChineseChars: normalizer.handle_chinese_chars,
      stripAccents: normalizer.strip_accents ?? normalizer.lowercase,
      lowercase: normalizer.lowercase,
    },
    prefix: model.continuing_subword_prefix,
    maxWordLength: model.max_input_chars_per_word,
  });
}

function readCharacters(file: TokenizerFile, name: string): Tokenizer {
  const model = check(bpeModel, file.model, name, 'model');
  if (file.normalizer) throw unknownPart(name, 'normalizer', file.normalizer.type);
  check(splitCharacters, file.pre_tokenizer, name, 'pre_tokenizer');
  if (model.merges.length > 0) throw unknownPart(name, 'pre_tokenizer', 'Split');
  return new CharTokenizer(readParts(file, model.vocab, model.unk_token ?? '[UNK]', true, name), name);
}

function readByteBpe(file: TokenizerFile, name: string): Tokenizer {
  if (file.pre_tokenizer?.type !== 'ByteLevel') {
    throw unknownPart(name, 'pre_tokenizer', file.pre_tokenizer?.type);
  }
  if (file.normalizer) throw unknownPart(name, 'normalizer', file.normalizer.type);
  const model = check(bpeModel, file.model, name, 'model');
  const { add_prefix_space } = check(byteLevel, file.pre_tokenizer, name, 'pre_tokenizer');
  const parts = readParts(file, model.vocab, model.unk_token ?? undefined, false, name);
  const merges = model.merges.map((merge, rank): [number, number] => {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right] = pair.map((token) => parts.vocabulary.id(token));
    if (pair.length !== 2 || left === undefined || right === undefined) {
      const what = `${JSON.stringify(merge)} is not two tokens of the vocabulary`;
      throw new ClozeError('format', `${name}, field model.merges.${rank}: ${what}`);
    }
    return [left, right];
  });
  return new ByteBpeTokenizer(parts, { merges, addPrefixSpace: add_prefix_space }, name);
}

function readParts(
  file: TokenizerFile,
  vocab: Record<string, unknown>,
  unk: string | undefined,
  allSpecial: boolean,
  name: string,
): TokenizerParts {
  const inFile: AddedToken[] = file.added_tokens ?? [];
  const entries: [string, unknown][] = Object.entries(vocab);
  for (const { content, id } of inFile) entries.push([content, id]);
  const vocabulary = Vocabulary.fromEntries(entries, `${name}, field model.vocab`);
  const listed = new Map(inFile.map((token) => [token.content, token.id]));

  // BERT's vocabulary holds its special tokens, and a file may forget to list one; in a byte-level vocabulary what
  // looks like one and is not listed is a piece of text.
  const special = allSpecial
    ? findSpecial((token) => vocabulary.id(token), unk, name)
    : findSpecial((token) => listed.get(token), unk);
  const forgotten = Object.values(special).filter((id) => id >= 0 && !listed.has(vocabulary.token(id)));
  const added = [...inFile, ...forgotten.map((id) => specialToken(id, vocabulary.token(id)))];
  return {
    vocabulary,
    added: new AddedTokens(added),
    special,
    template: readTemplate(file, vocabulary, name),
  };
}

function readTemplate(file: TokenizerFile, vocabulary: Vocabulary, name: string): Template {
  if (!file.post_processor) return bareTemplate;
  const types = ['ByteLevel', 'TemplateProcessing', 'BertProcessing', 'RobertaProcessing'];
  if (!types.includes(file.post_processor.type)) {
    throw unknownPart(name, 'post_processor', file.post_processor.type);
  }
  const processor = check(postProcessor, file.post_processor, name, 'post_processor');
  const idOf = (token: string): number => {
    const id = vocabulary.id(token);
    if (id !== undefined) return id;
    throw new ClozeError('format', `${name}, field post_processor: the token "${token}" is not known`);
  };
  switch (processor.type) {
    case 'ByteLevel':
      return bareTemplate;
    case 'BertProcessing':
      return bertTemplate(idOf(processor.cls[0]), idOf(processor.sep[0]));
    case 'RobertaProcessing':
      return robertaTemplate(idOf(processor.cls[0]), idOf(processor.sep[0]));
    case 'TemplateProcessing': {
      const items = (field: 'single' | 'pair', texts: string) => {
        const order = processor[field].map((item) => ('Sequence' in item ? item.Sequence.id : '')).join('');
        if (order !== texts) {
          const what = `the texts stand as "${order}", not "${texts}"`;
          throw new ClozeError('format', `${name}, field post_processor.${field}: ${what}`);
        }
        return processor[field].map((item) =>
          'Sequence' in item
            ? { text: item.Sequence.id === 'A' ? (0 as const) : (1 as const), typeId: item.Sequence.type_id }
            : { token: idOf(item.SpecialToken.id), typeId: item.SpecialToken.type_id },
        );
      };
      return { single: items('single', 'A'), pair: items('pair', 'AB') };
    }
  }
}

function unknownPart(name: string, field: string, type: string | undefined): ClozeError {
  const what = type === undefined ? 'is missing' : `"${type}" does not go with a family that is known`;
  return new ClozeError('format', `${name}: the ${field} ${what}`, knownFamilies);
}
