export { checkMasking, type MaskedRow, type MaskingOptions, type MaskKey, maskRow } from './mask.ts';
export {
  bertReplacement,
  checkOrdinary,
  checkReplacement,
  ordinaryToken,
  pureMask,
  type Replacement,
} from './replacement.ts';
export { arrange, poisson, randomComposition } from './sampling.ts';
export { maxSelected, SELECTION_NAMES, type SelectionOptions, select } from './selection.ts';
export { joinWords, type Range, wordsOf } from './words.ts';
