export { type BertConfig, type PresetName, parseConfig, presetConfig, presets } from './bert/config.ts';
export {
  BertForMaskedLM,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
} from './bert/heads.ts';
export { type BertInputArrays, bertInput } from './bert/input.ts';
export { type BertInput, BertModel, type BertTrace } from './bert/model.ts';
export { type Batch, type BatchOptions, batches, makeBatch } from './data/batch.ts';
export {
  builtInCorpus,
  type Corpus,
  type CorpusOptions,
  splitCorpus,
  splitDocuments,
} from './data/corpus.ts';
export { buildDataset, type Dataset, type DatasetOptions } from './data/dataset.ts';
export { buildSession, type Session, type SessionOptions } from './data/session.ts';
export { type StoryPrompt, stories, storyPrompts } from './data/stories.ts';
export { type SyntheticLanguage, syntheticLanguage } from './data/synthetic.ts';
export { evaluate } from './evaluation/evaluate.ts';
export { type FillMaskOptions, type FillMaskPrediction, fillMask } from './fillMask.ts';
export { type BeamSearchOptions, beamSearch, type Hypothesis } from './generate/beamSearch.ts';
export { type CausalOptions, continueCausally } from './generate/causal.ts';
export { type Generated, type GenerateOptions, generateText } from './generate/text.ts';
export { type UnmaskOptions, unmask } from './generate/unmask.ts';
export { bertReplacement, type MaskingOptions, maskRow, pureMask } from './masking/index.ts';
export {
  type Corruption,
  createObjective,
  type Example,
  type Objective,
  type ObjectiveName,
  objectiveNames,
  type Trainee,
} from './objectives/index.ts';
export {
  descriptionFiles,
  type FileReader,
  loadPretrained,
  type Pretrained,
  weightsFile,
} from './pretrained.ts';
export { type CheckpointFiles, MemoryStore, type RunStore } from './storage/storage.ts';
export {
  type Encoding,
  parseTokenizer,
  parseVocabTxt,
  type Tokenizer,
  type TrainTokenizerOptions,
  trainTokenizer,
} from './tokenizer/index.ts';
export type * from './training/events.ts';
export { parseOptions, type TrainOptions, type TrainOptionsInput } from './training/options.ts';
export { type SurvivingParts, SurvivingTrainer } from './training/survivingTrainer.ts';
export { Trainer, type TrainerParts } from './training/trainer.ts';
export { stepProblems, tuneRun, vocabularySession } from './training/tuning.ts';
