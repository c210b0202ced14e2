/** The fields of tokenizer.json that Cloze understands; what it does not implement is not in the schema's range. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { anyCharacter } from './characters.ts';

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

export const tokenizerFile = v.object({
  added_tokens: v.nullish(v.array(addedToken), []),
  normalizer: component,
  pre_tokenizer: component,
  post_processor: component,
  decoder: component,
  model: v.looseObject({ type: v.optional(v.string()) }),
});
export type TokenizerFile = v.InferOutput<typeof tokenizerFile>;

export const wordPieceModel = v.object({
  vocab: vocabObject,
  unk_token: v.optional(v.string(), '[UNK]'),
  continuing_subword_prefix: v.optional(v.pipe(v.string(), v.nonEmpty()), '##'),
  max_input_chars_per_word: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 100),
});

export const unigramModel = v.object({
  vocab: v.array(v.tuple([v.string(), v.number()])),
  unk_id: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  byte_fallback: v.nullish(v.literal(false)),
});

export const wordLevelModel = v.object({ vocab: vocabObject, unk_token: v.optional(v.string(), '<unk>') });

export const bertNormalizer = v.object({
  type: v.literal('BertNormalizer'),
  clean_text: v.optional(v.boolean(), true),
  handle_chinese_chars: v.optional(v.boolean(), true),
  strip_accents: v.nullish(v.boolean()),
  lowercase: v.optional(v.boolean(), true),
});

/** Byte pairs of any kind. */
export const bpeModel = v.object({
  vocab: vocabObject,
  merges: v.array(v.union([v.string(), v.tuple([v.string(), v.string()])])),
  unk_token: v.nullish(v.string()),
  dropout: v.nullish(v.literal(0)),
  continuing_subword_prefix: v.nullish(v.literal('')),
});

/** What byte pairs as in GPT-2 do without. */
export const plainBpeModel = v.object({
  end_of_word_suffix: v.nullish(v.literal('')),
  byte_fallback: v.nullish(v.literal(false)),
  ignore_merges: v.nullish(v.literal(false)),
});

export const byteLevel = v.object({
  type: v.literal('ByteLevel'),
  add_prefix_space: v.optional(v.boolean(), true),
  use_regex: v.optional(v.literal(true), true),
});

export const splitCharacters = v.object({
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
export const postProcessor = v.variant('type', [
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

/** `value` as the schema has it, or a ClozeError that names the field. */
export function check<S extends v.GenericSchema>(
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
