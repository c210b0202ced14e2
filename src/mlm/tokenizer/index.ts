export { parseTokenizer, parseVocabTxt } from './read.ts';
export type {
  DecodeOptions,
  EncodeOptions,
  Encoding,
  SpecialIds,
  Tokenizer,
  TokenizerKind,
  TrainedKind,
} from './tokenizer.ts';
export { trainedKinds } from './tokenizer.ts';
export type { TrainTokenizerOptions } from './train.ts';
export { trainTokenizer } from './train.ts';
