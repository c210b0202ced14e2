/**
 * Everything a run needs to go on as if it had never stopped: weights, what the optimiser remembers, the number of steps, and where the
 * data was. Masks, order and dropout are functions of (seed, epoch, step, index), so no generator has a state of its own.
 */
import { ClozeError } from '../../gpu/index.ts';
import {
  type GradScalerState,
  loadStateDict,
  type Optimizer,
  parseSafetensors,
  type Slab,
  type StoredTensor,
  serializeSafetensors,
  stateDict,
  storedTensor,
} from '../../nn/index.ts';
import { readTokenizer } from '../pretrained.ts';
import type { RunStore } from '../storage/storage.ts';
import type { Score } from './events.ts';
import type { TrainOptions } from './options.ts';

/** What a checkpoint remembers beside tensors, whatever is trained. */
export interface StepState<Options = unknown> {
  /** Steps done. */
  step: number;
  /** The options of the run; a resumed run must have the same where they matter. */
  options: Options;
}

/** What that of a training run remembers. */
export interface RunState extends StepState<TrainOptions> {
  /** Seconds of training so far. */
  seconds: number;
  best: Score | null;
  /** Validations since the best one. */
  sinceBest: number;
  /** Mean loss of about the last 50 steps. */
  trainLoss: number;
  /** Of a run in f16. */
  gradScaler?: GradScalerState;
}

/** Options of a training run that may change on the way: how long it is, how often it reports, and what calms it down. */
export const changeable: ReadonlySet<string> = new Set<keyof TrainOptions>([
  'steps',
  'epochs',
  'minutes',
  'evalEvery',
  'evalSequences',
  'patience',
  'checkpointEvery',
  'autoMicroBatch',
  'lr',
  'maxGradNorm',
]);

const name = 'checkpoint';
const tokenizerFile = 'tokenizer.json';

/** Replaces the run's checkpoint. `description` are config.json and tokenizer.json. */
export async function saveCheckpoint(
  store: RunStore,
  slab: Slab,
  optimizer: Optimizer,
  state: StepState,
  description: Record<string, string>,
): Promise<void> {
  const moments = new Map<string, StoredTensor>();
  for (const { name, slab, flat } of optimizer.state) {
    const values = await slab.read(flat);
    for (const [key, { shape }] of slab.parameters()) {
      moments.set(`${name}.${key}`, storedTensor(values.get(key) as Float32Array, shape));
    }
  }
  await store.writeCheckpoint(name, {
    ...description,
    'model.safetensors': serializeSafetensors(await stateDict(slab), { format: 'pt' }),
    'optimizer.safetensors': serializeSafetensors(moments),
    'trainer_state.json': `${JSON.stringify(state, null, 2)}\n`,
  });
}

/**
 * Puts the last checkpoint's tensors into place and returns its state; undefined when there is none. Throws
 * `checkpoint` when the run had other `options`, besides those that `mayChange`, or another tokenizer, or when a file is missing or broken;
 * `format` for tensors that do not fit the model.
 */
export async function loadCheckpoint<State extends StepState>(
  store: RunStore,
  slab: Slab,
  optimizer: Optimizer,
  options: State['options'],
  { description, mayChange }: { description: Record<string, string>; mayChange: ReadonlySet<string> },
): Promise<State | undefined> {
  const files = await store.readCheckpoint(name);
  if (!files) return undefined;
  const state = parseState(need(files, 'trainer_state.json')) as State;
  checkSameOptions(state.options as object, options as object, mayChange);
  checkSameTokenizer(need(files, tokenizerFile), new TextEncoder().encode(description[tokenizerFile]));
  const weights = parseSafetensors(need(files, 'model.safetensors'), `${name}/model.safetensors`);
  const moments = parseSafetensors(need(files, 'optimizer.safetensors'), `${name}/optimizer.safetensors`);
  loadStateDict(slab, weights.tensors);
  for (const { name, slab, flat } of optimizer.state) {
    loadStateDict(slab, withPrefix(`${name}.`, moments.tensors), { flat });
  }
  optimizer.steps = state.step;
  return { ...state, options };
}

function checkSameOptions(before: object, now: object, mayChange: ReadonlySet<string>): void {
  for (const key of Object.keys({ ...before, ...now })) {
    const [had, has] = [before, now].map((options) =>
      JSON.stringify((options as Record<string, unknown>)[key]),
    );
    if (mayChange.has(key) || had === has) continue;
    throw new ClozeError(
      'checkpoint',
      `the run was started with ${key} ${had}, not ${has}`,
      'Resume with the same options, or start a new run',
    );
  }
}

/** The tokenizer of a run is made of its text again, or read from a file: either may have changed since. */
function checkSameTokenizer(before: Uint8Array, now: Uint8Array): void {
  const file = `${name}/${tokenizerFile}`;
  const [had, has] = [readTokenizer(before, file), readTokenizer(now, tokenizerFile)];
  if (JSON.stringify(had) === JSON.stringify(has)) return;
  const other = had.vocabSize === has.vocabSize ? 'other ones' : `${has.vocabSize}`;
  throw new ClozeError(
    'checkpoint',
    `the run was started with the ${had.vocabSize} tokens of ${file}, and its data or --tokenizer now gives ${other}`,
    'Resume with the text and the tokenizer of then, or start a new run',
  );
}

function withPrefix(
  prefix: string,
  tensors: ReadonlyMap<string, StoredTensor>,
): ReadonlyMap<string, StoredTensor> {
  const chosen = [...tensors].filter(([key]) => key.startsWith(prefix));
  return new Map(chosen.map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}

function need(files: Record<string, Uint8Array>, file: string): Uint8Array {
  const bytes = files[file];
  if (bytes) return bytes;
  throw new ClozeError('checkpoint', `the checkpoint has no ${file}`, 'Start the run anew, without --resume');
}

function parseState(bytes: Uint8Array): StepState {
  try {
    const state = JSON.parse(new TextDecoder().decode(bytes)) as StepState;
    if (Number.isInteger(state.step) && state.options) return state;
  } catch {
    // Told below, as for a state that is JSON and not a state.
  }
  throw new ClozeError(
    'checkpoint',
    "the checkpoint's trainer_state.json is broken",
    'Start the run anew, without --resume',
  );
}
