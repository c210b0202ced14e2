/** The options of a training run: one schema for the command line, a config file, a page and a program. */
import * as v from 'valibot';
import { ClozeError } from '../../gpu/errors.ts';
import { SCHEDULE_NAMES } from '../../nn/schedule.ts';
import {
  type ObjectiveName,
  type ObjectiveParameters,
  objectiveNames,
  objectivesWith,
  parameterNames,
  parametersOf,
} from '../objectives/index.ts';
import { recipe } from './recipes.ts';

const whole = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const above0 = v.pipe(v.number(), v.gtValue(0));
const belowOne = v.pipe(v.number(), v.minValue(0), v.ltValue(1));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const entries = {
  /** Where the text is: files, folders, globs, URLs, or `stories`, `synthetic:clock`, `synthetic:copy`. */
  data: v.optional(v.array(v.string()), ['stories']),
  /** What a document is: blocks between blank lines, lines, whole files, or one unbroken stream of text. */
  documents: v.optional(v.picklist(['paragraph', 'line', 'file', 'stream'])),
  /** The field of .jsonl and the column of .parquet that holds the text. */
  textField: v.optional(v.string(), 'text'),
  /** Share of the documents (of the text, for a stream) held out for validation. */
  validation: v.optional(v.pipe(v.number(), v.gtValue(0), v.ltValue(1)), 0.1),
  /** `char`, `bytes`, `wordpiece` or `bpe` to make one, or a file: tokenizer.json, vocab.txt. */
  tokenizer: v.optional(v.string(), 'wordpiece'),
  /** Size of a vocabulary that is trained here. */
  vocabSize: v.optional(whole(16), 2048),
  /** A model to go on with: its form, its tokenizer and its weights then stand for the options that make a new one. */
  from: v.optional(v.string()),
  /** nano, tiny, micro, mini, small, medium or base. */
  preset: v.optional(v.string(), 'tiny'),
  /** Instead of the preset's: the number of layers, their width, and the heads of each. */
  layers: v.optional(whole(1)),
  width: v.optional(whole(1)),
  heads: v.optional(whole(1)),
  /** Length of the run: the first of these to be reached ends it. */
  steps: v.optional(whole(1)),
  epochs: v.optional(above0),
  minutes: v.optional(above0),
  /** Sequences per step, over all micro-batches. */
  batchSize: v.optional(whole(1), 32),
  /** Micro-batches per step; their gradients add up as if they were one batch. */
  accumulation: v.optional(whole(1), 1),
  /** Where the adapter lacks memory, halves the micro-batches and goes on, instead of ending the run. */
  autoMicroBatch: v.optional(v.boolean(), false),
  /**
   * How documents become rows: `packed`, several in a row, none of which sees another, where the objective allows it; `grouped`, those
   * of one length together, in rows no longer than they need; `padded`, one in a row.
   */
  batching: v.optional(v.picklist(['packed', 'grouped', 'padded']), 'packed'),
  /** Tokens per sequence. */
  seqLen: v.optional(whole(4), 64),
  /** What the model learns by; each objective has options of its own, see `objectives/`. */
  objective: v.optional(v.picklist(objectiveNames), 'mlm'),
  /** What updates the weights; `muon` takes the matrices of the layers and leaves the rest to AdamW. */
  optimizer: v.optional(v.picklist(['adamw', 'lamb', 'muon']), 'muon'),
  /** Peak learning rate. The default suits Muon and widths about 128; wider models want less, AdamW a fifth. */
  lr: v.optional(above0, 5e-3),
  schedule: v.optional(v.picklist(SCHEDULE_NAMES), 'linear'),
  /** Share of the steps in which the learning rate rises. */
  warmup: v.optional(fraction, 0.1),
  /** Shares of AdamW's first and second moment that a step keeps. */
  beta1: v.optional(belowOne, 0.9),
  beta2: v.optional(belowOne, 0.999),
  weightDecay: v.optional(v.pipe(v.number(), v.minValue(0)), 0.01),
  /** Decay of an average of the weights, which is evaluated and saved in their place; 0 for none. */
  ema: v.optional(belowOne, 0),
  /** Largest global gradient norm; 0 for none. */
  maxGradNorm: v.optional(v.pipe(v.number(), v.minValue(0)), 1),
  /** `f16` stores activations in half the memory, with weights, sums and the optimiser in f32. */
  dtype: v.optional(v.picklist(['f32', 'f16']), 'f32'),
  /** Computes the insides of the layers again in backward instead of keeping them: less memory, a third more time. */
  gradientCheckpointing: v.optional(v.boolean(), false),
  dropout: v.optional(belowOne, 0),
  /** Where the layer norms stand: after the residual sums as in BERT, or before the blocks. */
  norm: v.optional(v.picklist(['post', 'pre']), 'pre'),
  /** How the model learns of order: a learnt vector for each position as in BERT, a fixed one, or rotations of queries and keys. */
  positions: v.optional(v.picklist(['absolute', 'sinusoidal', 'rotary']), 'rotary'),
  /** LayerNorm, or RMSNorm, which leaves means as they are. */
  normType: v.optional(v.picklist(['layer', 'rms']), 'layer'),
  /** What bends the feed-forward layers: GELU, or a gate by it, which adds half as many weights again. */
  feedForward: v.optional(v.picklist(['gelu', 'geglu']), 'gelu'),
  /** Whether the decoder shares the word embeddings. */
  decoder: v.optional(v.picklist(['tied', 'untied']), 'tied'),
  /** Each n-th layer sees whole rows, the others a window of `localWindow` tokens, as in ModernBERT, whose n is 3. */
  globalEvery: v.optional(whole(1), 1),
  localWindow: v.optional(whole(2), 128),
  seed: v.optional(whole(0), 0),
  /** Steps between validations; default a tenth of the run. */
  evalEvery: v.optional(whole(1)),
  /** Most validation sequences that are scored each time. */
  evalSequences: v.optional(whole(1), 256),
  /** Ends the run after so many validations without a better loss. */
  patience: v.optional(whole(1)),
  /** Steps between checkpoints; default: whenever a validation ran. */
  checkpointEvery: v.optional(whole(1)),
} as const;

const common = v.object(entries);

/** The options of every run, and those of its objective. */
export type TrainOptions = v.InferOutput<typeof common> & ObjectiveParameters;
export type TrainOptionsInput = v.InferInput<typeof common> & ObjectiveParameters;

/** What is given, on top of the recipe for its data. An option that is undefined counts as not given. */
function overRecipe(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  return { ...recipe(given), ...given };
}

/** The names of all options, those of all objectives included. */
export const optionNames = [...Object.keys(entries), ...parameterNames] as (keyof TrainOptions)[];

/** The schemas of all options that a run with this objective has. */
export function optionEntries(objective: ObjectiveName): v.ObjectEntries {
  return { ...entries, ...parametersOf(objective) };
}

/**
 * Fills in the defaults, those of a built-in language first, and checks every value. Throws `option` naming the first one
 * that is wrong, or that belongs to another objective.
 */
export function parseOptions(input: unknown, source = 'the options'): TrainOptions {
  const given = overRecipe(input);
  const { objective = 'mlm' } = (given ?? {}) as { objective?: ObjectiveName };
  const known = objectiveNames.includes(objective);
  const result = v.safeParse(v.strictObject(known ? optionEntries(objective) : entries), given);
  if (result.success) return result.output as TrainOptions;
  const issue = result.issues.find(({ path }) => path?.[0].key === 'objective') ?? result.issues[0];
  const name = issue.path?.map((item) => String(item.key)).join('.') ?? '';
  if (issue.type !== 'strict_object' || issue.expected !== 'never') {
    throw new ClozeError('option', `${source}: ${name}: ${issue.message}`);
  }
  const others = objectivesWith(name);
  if (others.length === 0) {
    throw new ClozeError(
      'option',
      `${source}: there is no option ${name}`,
      `Known: ${optionNames.join(', ')}`,
    );
  }
  const names = Object.keys(parametersOf(objective));
  throw new ClozeError(
    'option',
    `${source}: ${name} is no option of the objective ${objective}, but of ${others.join(', ')}`,
    names.length > 0 ? `Those of ${objective}: ${names.join(', ')}` : `${objective} has none of its own`,
  );
}
