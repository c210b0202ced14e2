import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import type { AddedToken } from './added-tokens.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import type { TokenizerParts } from './base.ts';
import { ByteBpeTokenizer } from './byte-bpe.ts';
import { CharTokenizer } from './characters.ts';
import { PipelineTokenizer } from './pipeline.ts';
import type { TokenizerFile } from './schema.ts';
import {
  bertNormalizer,
  bpeModel,
  byteLevel,
  check,
  plainBpeModel,
  postProcessor,
  splitCharacters,
  tokenizerFile,
  unigramModel,
  wordLevelModel,
  wordPieceModel,
} from './schema.ts';
import { findSpecial } from './special.ts';
import type { Template } from './template.ts';
import { bareTemplate, bertTemplate, robertaTemplate } from './template.ts';
import type { Tokenizer } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordPieceTokenizer } from './wordpiece.ts';

/**
 * A tokenizer from the parsed content of a Hugging Face tokenizer.json. `name` stands for the file in messages.
 * Its `truncation` and `padding` are ignored: they belong to the call of `encode`. BERT's word pieces, byte-level BPE as in GPT-2
 * and RoBERTa and our own characters are read by code of our own, other families through {@link PipelineTokenizer}.
 *
 * Throws ClozeError `format`, naming the field, for what is malformed, of an unknown family, has ids that are
 * missing or used twice, or (BERT, characters) lacks one of [PAD] [UNK] [CLS] [SEP] [MASK].
 */
export function parseTokenizer(json: unknown, name = 'tokenizer.json'): Tokenizer {
  const file = check(tokenizerFile, json, name);
  const { model, normalizer, pre_tokenizer } = file;
  const type =
    model.type ?? ('merges' in model ? 'BPE' : Array.isArray(model.vocab) ? 'Unigram' : 'WordPiece');
  if (
    type === 'WordPiece' &&
    normalizer?.type === 'BertNormalizer' &&
    pre_tokenizer?.type === 'BertPreTokenizer'
  )
    return readWordPiece(file, name);
  if (type === 'BPE' && !normalizer && v.is(plainBpeModel, model)) {
    if (v.is(splitCharacters, pre_tokenizer)) return readCharacters(file, name);
    if (v.is(byteLevel, pre_tokenizer)) return readByteBpe(file, name);
  }
  return readPipeline(file, type, name);
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
  const normalizer = check(bertNormalizer, file.normalizer, name, 'normalizer');
  return new WordPieceTokenizer(readParts(file, Object.entries(model.vocab), model.unk_token, true, name), {
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
  const { vocab, merges, unk_token } = model;
  if (merges.length > 0) {
    throw new ClozeError('format', `${name}, field model.merges: single characters have none`);
  }
  return new CharTokenizer(readParts(file, Object.entries(vocab), unk_token ?? '[UNK]', true, name), name);
}

function readByteBpe(file: TokenizerFile, name: string): Tokenizer {
  const model = check(bpeModel, file.model, name, 'model');
  const { add_prefix_space } = check(byteLevel, file.pre_tokenizer, name, 'pre_tokenizer');
  const parts = readParts(file, Object.entries(model.vocab), model.unk_token ?? undefined, false, name);
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

function readPipeline(file: TokenizerFile, type: string, name: string): Tokenizer {
  const kinds = { Unigram: 'unigram', BPE: 'bpe', WordPiece: 'wordpiece', WordLevel: 'wordlevel' } as const;
  const read = (entries: Iterable<[string, unknown]>, unk: string | undefined) =>
    new PipelineTokenizer(
      readParts(file, entries, unk, false, name),
      kinds[type as keyof typeof kinds],
      { ...file, model: { ...file.model, type } },
      name,
    );
  switch (type) {
    case 'Unigram': {
      const { vocab, unk_id } = check(unigramModel, file.model, name, 'model');
      const entries = vocab.map(([token], id): [string, number] => [token, id]);
      return read(entries, vocab[unk_id ?? -1]?.[0]);
    }
    case 'BPE': {
      const { vocab, unk_token } = check(bpeModel, file.model, name, 'model');
      return read(Object.entries(vocab), unk_token ?? undefined);
    }
    case 'WordPiece':
    case 'WordLevel': {
      const schema = type === 'WordPiece' ? wordPieceModel : wordLevelModel;
      const { vocab, unk_token } = check(schema, file.model, name, 'model');
      return read(Object.entries(vocab), unk_token);
    }
  }
  throw new ClozeError(
    'format',
    `${name}: the model type "${type}" is not known`,
    `Cloze reads ${Object.keys(kinds).join(', ')}.`,
  );
}

function readParts(
  file: TokenizerFile,
  vocab: Iterable<[string, unknown]>,
  unk: string | undefined,
  allSpecial: boolean,
  name: string,
): TokenizerParts {
  const inFile: AddedToken[] = file.added_tokens ?? [];
  const entries = [...vocab];
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
    const known = `Known: ${types.join(', ')}.`;
    throw new ClozeError(
      'format',
      `${name}: the post_processor "${file.post_processor.type}" is not known`,
      known,
    );
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
