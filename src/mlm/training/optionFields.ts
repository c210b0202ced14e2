/**
 * What a form or a command line needs to know of the options of a run: the kind and the limits of each, read from the one schema, and
 * what it is for.
 */
import type * as v from 'valibot';
import { type ObjectiveName, objectiveNames, objectivesWith } from '../objectives/index.ts';
import { optionEntries, type TrainOptions } from './options.ts';

/** One option as something to be filled in. */
export interface OptionField<Name = keyof TrainOptions> {
  name: Name;
  /** `numbers`: a tuple of them; `texts`: a list of any length. */
  kind: 'whole' | 'number' | 'choice' | 'text' | 'texts' | 'numbers' | 'flag';
  /** Of a choice. */
  choices?: readonly string[];
  /** The least and the largest number; with `open`, those themselves are not allowed. */
  least?: number;
  most?: number;
  openLeast?: boolean;
  openMost?: boolean;
  default: unknown;
  /** Whether it must be given. */
  required?: boolean;
}

export interface OptionHelp {
  /** What stands for the value in a usage text: `<count>`; empty for a flag. */
  value: string;
  help: string;
}

/** What each option is for, in groups and an order that read well. */
export type OptionGroups<Name extends string> = Readonly<Record<string, Partial<Record<Name, OptionHelp>>>>;

export const optionGroups: OptionGroups<keyof TrainOptions> = {
  'The text:': {
    data: {
      value: '<paths...>',
      help: 'files, folders, globs or URLs of .txt, .jsonl, .parquet, .gz; or stories, synthetic:clock, synthetic:copy',
    },
    documents: {
      value: '<unit>',
      help: 'what a document is: paragraph, line, file, or stream for unbroken text',
    },
    textField: { value: '<name>', help: 'field of .jsonl and column of .parquet that holds the text' },
    validation: { value: '<share>', help: 'share of the documents held out for validation' },
    tokenizer: { value: '<name>', help: 'char, bytes, wordpiece, bpe, or a file: tokenizer.json, vocab.txt' },
    vocabSize: { value: '<count>', help: 'size of a vocabulary trained here' },
    seqLen: { value: '<tokens>', help: 'tokens per sequence' },
  },
  'The objective (each has some of the options below it, and refuses the others):': {
    objective: { value: '<name>', help: `what the model learns by: ${objectiveNames.join(', ')}` },
    maskRate: { value: '<share>', help: 'share of the tokens to predict' },
    maskRateEnd: {
      value: '<share>',
      help: 'the share at the end of the run, reached linearly',
    },
    evalMaskRate: {
      value: '<share>',
      help: 'the share in validation (default: as in training at its end)',
    },
    maskReplace: {
      value: '<shares>',
      help: 'of those, how many become [MASK], a random token, stay: 0.8,0.1,0.1',
    },
    masking: {
      value: '<unit>',
      help: 'what is hidden as one: token, bernoulli (each by its own chance), word, span or ngram',
    },
    spanP: { value: '<p>', help: 'parameter of the geometric lengths of spans' },
    spanMax: { value: '<words>', help: 'the longest span' },
    spanMean: { value: '<tokens>', help: 't5, bart: mean length of a span' },
    permute: {
      value: '<share>',
      help: 'bart: share of the texts whose sentences are shuffled',
    },
    ngramMax: { value: '<words>', help: 'the longest n-gram' },
    rtdWeight: { value: '<weight>', help: "electra: weight of the discriminator's loss" },
    generatorShare: {
      value: '<share>',
      help: "electra: the generator's width as a share of the discriminator's",
    },
    causalShare: {
      value: '<share>',
      help: 'hybrid: share of the sequences trained on causally',
    },
  },
  'The model:': {
    from: {
      value: '<model>',
      help: 'go on with a model, a folder, a zip or hf://owner/name: its form, tokenizer and weights, instead of a new one',
    },
    preset: { value: '<size>', help: 'nano, tiny, micro, mini, small, medium or base' },
    layers: { value: '<count>', help: "layers, instead of the preset's" },
    width: { value: '<size>', help: "width of the hidden states, instead of the preset's" },
    heads: { value: '<count>', help: "attention heads, instead of the preset's" },
    norm: {
      value: '<place>',
      help: 'layer norms after the sums as in BERT (post), or before the blocks (pre)',
    },
    positions: {
      value: '<kind>',
      help: 'a vector for each position, learnt (absolute) or fixed (sinusoidal), or rotary embeddings',
    },
    normType: { value: '<kind>', help: 'LayerNorm (layer) or RMSNorm (rms)' },
    feedForward: { value: '<kind>', help: 'gelu; or geglu, a gate, with half as many weights again' },
    decoder: {
      value: '<kind>',
      help: 'the word embeddings themselves (tied), or a matrix of its own (untied)',
    },
    globalEvery: { value: '<layers>', help: 'each so many layers one sees whole rows, the others a window' },
    localWindow: { value: '<tokens>', help: 'the width of that window' },
    dropout: { value: '<share>', help: 'share of the activations dropped while training' },
  },
  'How long (the first to be reached ends the run):': {
    steps: { value: '<count>', help: 'optimiser steps' },
    epochs: { value: '<count>', help: 'passes over the training text' },
    minutes: { value: '<count>', help: 'minutes of training' },
    patience: { value: '<count>', help: 'validations in a row without a better loss' },
  },
  'The optimiser:': {
    batchSize: { value: '<count>', help: 'sequences per step' },
    batching: {
      value: '<how>',
      help: 'documents packed into full rows, grouped by length, or padded, one in a row',
    },
    accumulation: { value: '<count>', help: 'micro-batches that a step is split into' },
    autoMicroBatch: {
      value: '',
      help: 'where memory does not suffice, halve the micro-batches and go on: the same mathematics, in more parts',
    },
    optimizer: {
      value: '<name>',
      help: 'adamw; lamb; or muon, which takes the matrices of the layers and leaves the rest to AdamW, at one --lr',
    },
    lr: {
      value: '<rate>',
      help: "peak learning rate; wider models want less, AdamW a fifth of Muon's",
    },
    schedule: { value: '<name>', help: 'constant, linear, cosine or wsd' },
    warmup: { value: '<share>', help: 'share of the steps in which the learning rate rises' },
    beta1: { value: '<share>', help: "share of AdamW's first moment that a step keeps" },
    beta2: { value: '<share>', help: "share of AdamW's second moment that a step keeps" },
    weightDecay: { value: '<rate>', help: 'decoupled weight decay' },
    ema: {
      value: '<decay>',
      help: 'evaluate and save an average of the weights with this decay; 0 for none',
    },
    maxGradNorm: { value: '<norm>', help: 'clip the gradient to this norm; 0 for none' },
    dtype: { value: '<type>', help: 'f32; or f16: activations in half the memory, where the adapter has it' },
    gradientCheckpointing: {
      value: '',
      help: 'compute the insides of the layers again in backward instead of keeping them: less memory, more time',
    },
    seed: { value: '<number>', help: 'same seed, same adapter: same weights' },
  },
  'While it runs:': {
    evalEvery: { value: '<steps>', help: 'steps between validations' },
    evalSequences: { value: '<count>', help: 'most sequences scored in a validation' },
    checkpointEvery: { value: '<steps>', help: 'steps between checkpoints' },
  },
};

/** The field of an option: as `objective` defines it, or the first objective that has it. */
export function optionField(name: keyof TrainOptions, objective?: ObjectiveName): OptionField {
  const owner = objectivesWith(name);
  const entries = optionEntries(objective && owner.includes(objective) ? objective : (owner[0] ?? 'mlm'));
  return fieldOf(name, entries[name]);
}

/** The field that the schema of an option describes. */
export function fieldOf<Name>(name: Name, schema: Schema): OptionField<Name> {
  const inner = schema.wrapped ?? schema;
  const required = inner === schema ? ({ required: true } as const) : {};
  return { name, ...kindOf(inner), ...limits(inner), default: schema.default, ...required };
}

/** What is read of a schema, whatever its type: not all of it is there in each. */
type Schema = v.GenericSchema & {
  wrapped?: Schema;
  default?: unknown;
  options?: readonly string[];
  pipe?: readonly Rule[];
};

interface Rule {
  type: string;
  requirement?: unknown;
}

function kindOf(schema: Schema): Pick<OptionField, 'kind' | 'choices'> {
  switch (schema.type) {
    case 'picklist':
      return { kind: 'choice', choices: schema.options };
    case 'number':
      return { kind: rules(schema).some(({ type }) => type === 'integer') ? 'whole' : 'number' };
    case 'boolean':
      return { kind: 'flag' };
    case 'tuple':
      return { kind: 'numbers' };
    case 'array':
      return { kind: 'texts' };
    case 'string':
      return { kind: 'text' };
  }
  throw new Error(`an option of the type ${schema.type} cannot be filled in`);
}

/** The checks that follow a schema in its pipe. */
function rules({ pipe = [] }: Schema): readonly Rule[] {
  return pipe.slice(1);
}

function limits(schema: Schema): Partial<Omit<OptionField, 'name'>> {
  const found: Partial<Omit<OptionField, 'name'>> = {};
  for (const { type, requirement } of rules(schema)) {
    const value = requirement as number;
    if (type === 'min_value') found.least = value;
    else if (type === 'max_value') found.most = value;
    else if (type === 'gt_value') Object.assign(found, { least: value, openLeast: true });
    else if (type === 'lt_value') Object.assign(found, { most: value, openMost: true });
  }
  return found;
}
