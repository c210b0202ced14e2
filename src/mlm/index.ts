export { type Batch, type BatchOptions, batches, makeBatch } from './batch.ts';
export { type BertConfig, type PresetName, parseConfig, presetConfig, presets } from './bert/config.ts';
export {
  BertForMaskedLM,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
} from './bert/heads.ts';
export { type BertInputArrays, bertInput } from './bert/input.ts';
export { type BertInput, BertModel, type BertTrace } from './bert/model.ts';
export { builtInCorpus, type Corpus, type CorpusOptions, splitCorpus, splitDocuments } from './corpus.ts';
export { buildDataset, type Dataset, type DatasetOptions } from './dataset.ts';
export { evaluate } from './evaluate.ts';
export type * from './events.ts';
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
export { parseOptions, type TrainOptions, type TrainOptionsInput } from './options.ts';
export {
  descriptionFiles,
  type FileReader,
  loadPretrained,
  type Pretrained,
  weightsFile,
} from './pretrained.ts';
export { buildSession, type Session, type SessionOptions } from './session.ts';
export { type CheckpointFiles, MemoryStore, type RunStore } from './storage.ts';
export { type StoryPrompt, stories, storyPrompts } from './stories.ts';
export { type SurvivingParts, SurvivingTrainer } from './survivingTrainer.ts';
export { type SyntheticLanguage, syntheticLanguage } from './synthetic.ts';
export {
  type Encoding,
  parseTokenizer,
  parseVocabTxt,
  type Tokenizer,
  type TrainTokenizerOptions,
  trainTokenizer,
} from './tokenizer/index.ts';
export { Trainer, type TrainerParts } from './trainer.ts';
export { stepProblems, tuneRun, vocabularySession } from './tuning.ts';
