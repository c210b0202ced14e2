import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import type { AddedToken } from './added-tokens.ts';
import { AddedTokens, specialToken } from './added-tokens.ts';
import type { TokenizerParts } from './base.ts';
import { ByteBpeTokenizer } from './byte-bpe.ts';
import { anyCharacter, bertSpecialTokens, CharTokenizer } from './characters.ts';
import type { Template } from './template.ts';
import { bareTemplate, bertTemplate, robertaTemplate } from './template.ts';
import type { SpecialIds, Tokenizer } from './tokenizer.ts';
import { Vocabulary } from './vocabulary.ts';
import { WordPieceTokenizer } from './wordpiece.ts';

const knownFamilies =
  'Cloze reads BERT WordPiece, byte-level BPE as in GPT-2 and RoBERTa, and its own character tokenizers.';

/** Not `v.record`, which leaves out keys such as "constructor": a word of BERT's vocabulary. */
const vocabObject = v.custom<Record<string, unknown>>(
  (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
  'Invalid type: Expected an object from tokens to ids',
);

/** A part of tokenizer.json that is one of several types, or absent. */
const component = v.nullish(v.looseObject({ type: v.string() }));

const addedToken = v.object({
  id: v.pipe(v.number(), v.integer(), v.minValue(0)),
  content: v.pipe(v.string(), v.nonEmpty()),
  single_word: v.optional(v.boolean(), false),
  lstrip: v.optional(v.boolean(), false),
  rstrip: v.optional(v.boolean(), false),
  normalized: v.optional(v.boolean(), false),
  special: v.optional(v.boolean(), false),
});

const tokenizerFile = v.object({
  added_tokens: v.nullish(v.array(addedToken), []),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  model: v.looseObject({ type: v.optional(v.string()) }),
});
type TokenizerFile = v.InferOutput<typeof tokenizerFile>;

const wordPieceModel = v.object({
  vocab: vocabObject,
  unk_token: v.optional(v.string(), '[UNK]'),
  continuing_subword_prefix: v.optional(v.pipe(v.string(), v.nonEmpty()), '##'),
  max_input_chars_per_word: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 100),
});

const bertNormalizer = v.object({
  type: v.literal('BertNormalizer'),
  clean_text: v.optional(v.boolean(), true),
  handle_chinese_chars: v.optional(v.boolean(), true),
  strip_accents: v.nullish(v.boolean()),
  lowercase: v.optional(v.boolean(), true),
});

const bpeModel = v.object({
  vocab: vocabObject,
  merges: v.array(v.union([v.string(), v.tuple([v.string(), v.string()])])),
  unk_token: v.nullish(v.string()),
  dropout: v.nullish(v.literal(0)),
  continuing_subword_prefix: v.nullish(v.literal('')),
  end_of_word_suffix: v.nullish(v.literal('')),
  byte_fallback: v.nullish(v.literal(false)),
  ignore_merges: v.nullish(v.literal(false)),
});

const byteLevel = v.object({
  type: v.literal('ByteLevel'),
  add_prefix_space: v.optional(v.boolean(), true),
  use_regex: v.optional(v.literal(true), true),
});

const splitCharacters = v.object({
  type: v.literal('Split'),
  pattern: v.object({ Regex: v.literal(anyCharacter) }),
  behavior: v.literal('Isolated'),
  invert: v.optional(v.literal(false), false),
});

const typeId = v.picklist([0, 1]);
const templateItem = v.union([
  v.object({ SpecialToken: v.object({ id: v.string(), type_id: typeId }) }),
  v.object({ Sequence: v.object({ id: v.picklist(['A', 'B']), type_id: typeId }) }),
]);
const postProcessor = v.variant('type', [
  v.object({ type: v.literal('ByteLevel') }),
  v.object({
    type: v.literal('TemplateProcessing'),
    single: v.array(templateItem),
    pair: v.array(templateItem),
  }),
  v.object({
    type: v.picklist(['BertProcessing', 'RobertaProcessing']),
    cls: v.tuple([v.string(), v.number()]),
    sep: v.tuple([v.string(), v.number()]),
  }),
]);

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
  return makeBertTokenizer(vocabulary, lowercase, name);
}

/** WordPiece with BERT's own settings throughout. Throws ClozeError `format` when a special token is missing. */
export function makeBertTokenizer(vocabulary: Vocabulary, lowercase: boolean, name: string): Tokenizer {
  const special = findSpecial(vocabulary, '[UNK]', name);
  const added = new AddedTokens(bertSpecialTokens.map((token) => specialToken(vocabulary.id(token)!, token)));
  const template = bertTemplate(special.cls, special.sep);
  return new WordPieceTokenizer(
    { vocabulary, added, special, template },
    {
      words: { cleanText: true, handleChineseChars: true, stripAccents: lowercase, lowercase },
      prefix: '##',
      maxWordLength: 100,
    },
  );
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
  const split = v.safeParse(splitCharacters, file.pre_tokenizer);
  if (!split.success || model.merges.length > 0) throw unknownPart(name, 'pre_tokenizer', 'Split');
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
  const special = findSpecial(vocabulary, unk, allSpecial ? name : undefined);

  // A special token that the file forgets to list is still to be recognised in a text.
  const listed = new Set(inFile.map((token) => token.id));
  const forgotten = Object.values(special).filter((id) => id >= 0 && !listed.has(id));
  const added = [...inFile, ...new Set(forgotten)].map((token) =>
    typeof token === 'number' ? specialToken(token, vocabulary.token(token)) : token,
  );
  return {
    vocabulary,
    added: new AddedTokens(added),
    special,
    template: readTemplate(file, vocabulary, name),
  };
}

/** The special tokens by their usual names. With a `name`, all of them must be there. */
function findSpecial(vocabulary: Vocabulary, unk: string | undefined, name: string | undefined): SpecialIds {
  const find = (...tokens: string[]): number => {
    const id = tokens.map((token) => vocabulary.id(token)).find((found) => found !== undefined);
    if (id === undefined && name !== undefined) {
      throw new ClozeError('format', `${name}: the vocabulary has no ${tokens[0]} token`);
    }
    return id ?? -1;
  };
  return {
    pad: find('[PAD]', '<pad>'),
    unk: unk === undefined ? find('[UNK]', '<unk>') : find(unk),
    cls: find('[CLS]', '<s>'),
    sep: find('[SEP]', '</s>'),
    mask: find('[MASK]', '<mask>'),
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

/** `value` as the schema has it, or a ClozeError that names the field. */
function check<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  name: string,
  within?: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = [within, v.getDotPath(issue)].filter(Boolean).join('.');
  throw new ClozeError('format', `${name}${field ? `, field ${field}` : ''}: ${issue.message}`);
}
