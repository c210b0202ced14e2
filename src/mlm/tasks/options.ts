/** The options of fine-tuning: one schema for the command line, a sweep and a program. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { fieldOf, type OptionField, type OptionGroups } from '../training/optionFields.ts';

const whole = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const above0 = v.pipe(v.number(), v.gtValue(0));
const share = v.pipe(v.number(), v.gtValue(0), v.maxValue(1));

const entries = {
  /** See `index.ts` for the tasks. */
  task: v.string(),
  /** The file of labelled examples; or `generated`, where the task makes some. */
  data: v.string(),
  /** The file of examples to score on. */
  development: v.optional(v.string()),
  /** Without `development`: the share of `data` that is held out; which, does not depend on the seed. */
  validation: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), 0.1),
  /** Share of the other examples that is used; with one seed, the fewer are among the more. */
  labelFraction: v.optional(share, 1),
  /** Trains on the labels of other examples. */
  shuffleLabels: v.optional(v.boolean(), false),
  /** The folder of a pre-trained model. */
  model: v.optional(v.string()),
  /** Takes the shape and the tokenizer of `model`, and none of its weights. */
  scratch: v.optional(v.boolean(), false),
  /** Without `model`: the size of a new one, and that of its vocabulary. */
  preset: v.optional(v.string(), 'tiny'),
  vocabSize: v.optional(whole(16), 4096),
  seqLen: v.optional(whole(8)),
  docStride: v.optional(whole(1), 128),
  /** What stands for a whole text: its first token, or the mean of all. Default: as the body's config says, which is the first. */
  pooling: v.optional(v.picklist(['cls', 'mean'])),
  epochs: v.optional(whole(1), 3),
  /** Epochs between scorings; the last one is always scored. */
  evalEvery: v.optional(whole(1), 1),
  batchSize: v.optional(whole(1), 32),
  /** Peak learning rate of the head. */
  lr: v.optional(above0, 5e-4),
  /** Each layer learns at this share of the rate of the one above it (Howard and Ruder, "ULMFiT", 2018). */
  layerDecay: v.optional(share, 1),
  /** Layers from below, embeddings included, that do not learn; 0 for none. */
  freeze: v.optional(whole(0), 0),
  /** Rank of the adaptations that learn instead of the body's weights; 0 for none. */
  loraRank: v.optional(whole(0), 0),
  loraAlpha: v.optional(above0, 16),
  /** The linear layers that are adapted. */
  loraTargets: v.optional(v.array(v.string()), ['query', 'value']),
  weightDecay: v.optional(v.pipe(v.number(), v.minValue(0)), 0.01),
  warmup: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.1),
  /** Share of the truth that is spread evenly over all that may be predicted (Szegedy et al., 2016). */
  labelSmoothing: v.optional(v.pipe(v.number(), v.minValue(0), v.ltValue(1)), 0),
  /** Where answers are written: beginnings that are followed up, and the power of the length by which answers are ranked. */
  beams: v.optional(whole(1), 1),
  lengthPenalty: v.optional(v.pipe(v.number(), v.minValue(0)), 1),
  seed: v.optional(whole(0), 0),
} as const;

const schema = v.strictObject(entries);

export type FinetuneOptions = v.InferOutput<typeof schema>;
export type FinetuneOptionsInput = v.InferInput<typeof schema>;
type Name = keyof FinetuneOptions;

/** What each option is for. */
export const finetuneGroups: OptionGroups<Name> = {
  'The examples:': {
    task: { value: '<name>', help: 'what is to be learnt, see docs/tasks.md' },
    data: {
      value: '<file>',
      help: 'labelled examples, in the form of the task; or generated, where it has its own',
    },
    development: { value: '<file>', help: 'examples to score on (default: a share of --data)' },
    validation: { value: '<share>', help: 'without --development: share of --data held out' },
    labelFraction: { value: '<share>', help: 'share of the training examples to use' },
    shuffleLabels: {
      value: '',
      help: 'train on the labels of other examples: a control that should be at chance',
    },
  },
  'The model:': {
    model: {
      value: '<folder>',
      help: 'what to start from: what train wrote, a BERT or ModernBERT of Hugging Face, hf://owner/name',
    },
    scratch: { value: '', help: 'take the shape and the tokenizer of --model, and none of its weights' },
    preset: { value: '<name>', help: 'without --model: the size of a new one' },
    vocabSize: { value: '<count>', help: 'without --model: size of the vocabulary trained on --data' },
    seqLen: {
      value: '<tokens>',
      help: 'most tokens of a row (default: 128, qa 384, or what the model reads)',
    },
    pooling: {
      value: '<how>',
      help: 'what stands for a whole text: its first token (cls), or the mean of all (default: as the model says)',
    },
    docStride: { value: '<tokens>', help: 'by how many tokens the windows of a long context advance' },
  },
  'How it learns:': {
    epochs: { value: '<count>', help: 'times through the examples' },
    evalEvery: { value: '<epochs>', help: 'epochs between scorings; the last one is always scored' },
    batchSize: { value: '<count>', help: 'rows per step' },
    lr: { value: '<rate>', help: 'peak learning rate of AdamW; wider models want less' },
    layerDecay: {
      value: '<factor>',
      help: 'each layer learns at this share of the rate of the one above it',
    },
    freeze: { value: '<layers>', help: 'embeddings and so many layers from below do not learn' },
    loraRank: {
      value: '<rank>',
      help: 'the body learns by changes of this rank alone, merged into it when it is saved; 0 for none',
    },
    loraAlpha: { value: '<factor>', help: 'by which, over the rank, such a change is multiplied' },
    loraTargets: {
      value: '<names...>',
      help: 'the linear layers that are changed so: query, key, value, dense',
    },
    weightDecay: { value: '<factor>', help: 'decoupled weight decay' },
    warmup: { value: '<share>', help: 'share of the steps in which the learning rate rises' },
    labelSmoothing: { value: '<share>', help: 'share of the truth that is spread over all classes' },
    seed: { value: '<number>', help: 'of the new weights, the order and the sample' },
  },
  'How answers are written:': {
    beams: { value: '<count>', help: 'beginnings that are followed up; 1 takes the likeliest token' },
    lengthPenalty: { value: '<value>', help: 'rank by ln p over length to this power' },
  },
};

export const finetuneNames = Object.keys(entries) as Name[];

/** What a form or a command line needs to know of an option. */
export function finetuneField(name: Name): OptionField<Name> {
  return fieldOf(name, entries[name]);
}

/**
 * Fills in the defaults and checks every value. Throws ClozeError `option` naming the first one that is wrong, as `nameOf`
 * calls it.
 */
export function parseFinetuneOptions(
  input: unknown,
  nameOf: (name: string) => string = (name) => name,
): FinetuneOptions {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const name = nameOf(issue.path?.map((item) => String(item.key)).join('.') ?? '');
  const unknown = issue.type === 'strict_object' && issue.expected === 'never';
  if (!unknown) throw new ClozeError('option', `${name}: ${issue.message}`);
  throw new ClozeError('option', `there is no option ${name}`, `Known: ${finetuneNames.join(', ')}`);
}
