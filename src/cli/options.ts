/**
 * The options of a training run as flags and as a config file. Both use the names of `TrainOptions`, in kebab-case
 * as flags; a flag wins over the file, the file over the defaults. What a value may be is checked in
 * `src/mlm/options.ts` alone.
 */
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { ClozeError } from '../gpu/errors.ts';
import { readFileText, unlessMissing } from '../mlm/files.node.ts';
import { type ObjectiveName, objectiveNames } from '../mlm/objectives/index.ts';
import { optionNames, parseOptions, type TrainOptions, type TrainOptionsInput } from '../mlm/options.ts';
import { defaultFolder, optionsFile } from './run-folder.ts';

/** What a run needs besides its `TrainOptions`; a config file may hold these too. */
export interface RunOptions {
  out?: string;
  adapter?: string;
  resume?: boolean;
}

interface Flag {
  value: string;
  help: string;
  parse?: (text: string) => unknown;
}

type Flags = Partial<Record<keyof TrainOptions, Flag>>;

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('It takes a number.');
  return value;
}

export function wholeNumber(text: string): number {
  const value = number(text);
  if (!Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('It takes a whole number from 0.');
  return value;
}

const numbers = (text: string) => text.split(',').map(number);

const groups: Record<string, Flags> = {
  'The text:': {
    data: {
      value: '<paths...>',
      help: 'files, folders, globs or URLs; or stories, synthetic:clock, synthetic:copy',
    },
    documents: {
      value: '<unit>',
      help: 'what a document is: paragraph, line, file, or stream for unbroken text',
    },
    validation: { value: '<share>', help: 'share of the documents held out for validation', parse: number },
    tokenizer: { value: '<name>', help: 'char, wordpiece, or a file: tokenizer.json, vocab.txt' },
    vocabSize: { value: '<count>', help: 'size of a vocabulary trained here', parse: number },
    seqLen: { value: '<tokens>', help: 'tokens per sequence', parse: number },
  },
  'The objective (each has some of the options below it, and refuses the others):': {
    objective: { value: '<name>', help: `what the model learns by: ${objectiveNames.join(', ')}` },
    maskRate: { value: '<share>', help: 'share of the tokens to predict', parse: number },
    maskRateEnd: {
      value: '<share>',
      help: 'the share at the end of the run, reached linearly',
      parse: number,
    },
    evalMaskRate: {
      value: '<share>',
      help: 'the share in validation (default: as in training at its end)',
      parse: number,
    },
    maskReplace: {
      value: '<shares>',
      help: 'of those, how many become [MASK], a random token, stay: 0.8,0.1,0.1',
      parse: numbers,
    },
    masking: {
      value: '<unit>',
      help: 'what is hidden as one: token, bernoulli (each by its own chance), word, span or ngram',
    },
    spanP: { value: '<p>', help: 'parameter of the geometric lengths of spans', parse: number },
    spanMax: { value: '<words>', help: 'the longest span', parse: number },
    spanMean: { value: '<tokens>', help: 't5, bart: mean length of a span', parse: number },
    permute: {
      value: '<share>',
      help: 'bart: share of the texts whose sentences are shuffled',
      parse: number,
    },
    ngramMax: { value: '<words>', help: 'the longest n-gram', parse: number },
    causalShare: {
      value: '<share>',
      help: 'hybrid: share of the sequences trained on causally',
      parse: number,
    },
  },
  'The model:': {
    preset: { value: '<size>', help: 'nano, tiny, micro, mini, small, medium or base' },
    layers: { value: '<count>', help: "layers, instead of the preset's", parse: number },
    width: { value: '<size>', help: "width of the hidden states, instead of the preset's", parse: number },
    heads: { value: '<count>', help: "attention heads, instead of the preset's", parse: number },
    norm: {
      value: '<place>',
      help: 'layer norms after the sums as in BERT (post), or before the blocks (pre)',
    },
    positions: {
      value: '<kind>',
      help: 'a learnt vector for each position as in BERT (absolute), or rotary embeddings (rotary)',
    },
    dropout: { value: '<share>', help: 'share of the activations dropped while training', parse: number },
  },
  'How long (the first to be reached ends the run):': {
    steps: { value: '<count>', help: 'optimiser steps', parse: number },
    epochs: { value: '<count>', help: 'passes over the training text', parse: number },
    minutes: { value: '<count>', help: 'minutes of training', parse: number },
    patience: { value: '<count>', help: 'validations in a row without a better loss', parse: number },
  },
  'The optimiser:': {
    batchSize: { value: '<count>', help: 'sequences per step', parse: number },
    accumulation: { value: '<count>', help: 'micro-batches that a step is split into', parse: number },
    optimizer: {
      value: '<name>',
      help: 'adamw; or muon, which takes the matrices of the layers and leaves the rest to AdamW, at one --lr',
    },
    lr: {
      value: '<rate>',
      help: "peak learning rate; wider models want less, AdamW a fifth of Muon's",
      parse: number,
    },
    schedule: { value: '<name>', help: 'constant, linear, cosine or wsd' },
    warmup: { value: '<share>', help: 'share of the steps in which the learning rate rises', parse: number },
    beta1: { value: '<share>', help: "share of AdamW's first moment that a step keeps", parse: number },
    beta2: { value: '<share>', help: "share of AdamW's second moment that a step keeps", parse: number },
    weightDecay: { value: '<rate>', help: 'decoupled weight decay', parse: number },
    maxGradNorm: { value: '<norm>', help: 'clip the gradient to this norm; 0 for none', parse: number },
    seed: { value: '<number>', help: 'same seed, same adapter: same weights', parse: number },
  },
  'While it runs:': {
    evalEvery: { value: '<steps>', help: 'steps between validations', parse: number },
    evalSequences: { value: '<count>', help: 'most sequences scored in a validation', parse: number },
    checkpointEvery: { value: '<steps>', help: 'steps between checkpoints', parse: number },
  },
};

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Adds a flag for each of `names`, by default for all options of a run, with its default in the help. */
export function addTrainFlags(
  command: Command,
  names: readonly (keyof TrainOptions)[] = optionNames,
): Command {
  const defaults = parseOptions({});
  for (const [title, flags] of Object.entries(groups)) {
    for (const name of optionNames) {
      const flag = flags[name];
      if (!flag || !names.includes(name)) continue;
      const shown = defaults[name] === undefined ? '' : ` (default: ${defaults[name]})`;
      const option = new Option(`--${kebab(name)} ${flag.value}`, flag.help + shown).helpGroup(title);
      command.addOption(flag.parse ? option.argParser(flag.parse) : option);
    }
  }
  return command;
}

/**
 * Those of a command's parsed flags that are options of a run, whose objective is `known` where no flag names it. Throws `option`
 * naming the flag that is wrong.
 */
export function trainFlags(parsed: Record<string, unknown>, known?: ObjectiveName): TrainOptionsInput {
  const flags = Object.fromEntries(
    optionNames.flatMap((name) => (name in parsed ? [[name, parsed[name]]] : [])),
  );
  const { objective = known } = flags;
  for (const [name, value] of Object.entries(flags))
    parseOptions({ objective, [name]: value }, `--${kebab(name)}`);
  return flags;
}

/**
 * Joins what a resumed run was started with, the config file and the flags; the later wins. Throws what
 * `parseOptions` throws, naming the file or the flag.
 */
export async function readOptions(
  parsed: RunOptions & { config?: string } & Record<string, unknown>,
): Promise<RunOptions & { out: string; options: TrainOptionsInput }> {
  const file = parsed.config ? await readConfig(parsed.config) : { options: {} };
  const { adapter = file.adapter, resume = file.resume } = parsed;
  const out = parsed.out ?? file.out;
  const folder = out ?? defaultFolder((parsed.data as string[] | undefined) ?? file.options.data);
  const before = resume ? await unlessMissing(readConfig(join(folder, optionsFile))) : undefined;
  const flags = trainFlags(parsed, file.options.objective ?? before?.options.objective);
  return { out: folder, adapter, resume, options: { ...before?.options, ...file.options, ...flags } };
}

/** Reads a config file. Throws the code `io` when there is none, `option` or `format` when it is wrong. */
export async function readConfig(path: string): Promise<RunOptions & { options: TrainOptionsInput }> {
  const text = await readFileText(path);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ClozeError('format', `${path} is not JSON: ${(error as Error).message}`, 'Correct it there');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ClozeError(
      'format',
      `${path} is no config`,
      'Write {"steps": 1000, ...}, names as in the flags',
    );
  }
  const { out, adapter, resume, ...options } = json as Record<string, unknown>;
  if (typeof options.data === 'string') options.data = [options.data];
  parseOptions(options, path);
  return {
    out: expectType<string>(path, 'out', out, 'string'),
    adapter: expectType<string>(path, 'adapter', adapter, 'string'),
    resume: expectType<boolean>(path, 'resume', resume, 'boolean'),
    options,
  };
}

function expectType<T>(path: string, name: string, value: unknown, type: string): T | undefined {
  if (value === undefined || typeof value === type) return value as T | undefined;
  throw new ClozeError('option', `${path}: ${name} must be a ${type}`, `It is ${JSON.stringify(value)}`);
}
