/**
 * Everything a run needs to go on as if it had never stopped: weights, both moments, the number of steps, and where the
 * data was. Masks, order and dropout are functions of (seed, epoch, step, index), so no generator has a state of its own.
 */
import { ClozeError } from '../gpu/index.ts';
import {
  type AdamW,
  loadStateDict,
  parseSafetensors,
  type Slab,
  serializeSafetensors,
  storedTensor,
} from '../nn/index.ts';
import type { Score } from './events.ts';
import type { TrainOptions } from './options.ts';
import { weightsFile } from './pretrained.ts';
import type { CheckpointFiles, RunStore } from './storage.ts';

/** What a checkpoint remembers beside tensors. */
export interface RunState {
  /** Steps done. */
  step: number;
  /** The options of the run; a resumed run must have the same, its length aside. */
  options: TrainOptions;
  best: Score | null;
  /** Validations since the best one. */
  sinceBest: number;
  /** Loss of the last step. */
  trainLoss: number;
}

const name = 'checkpoint';

/** The files of a checkpoint; `description` are config.json and tokenizer.json. */
export async function checkpointFiles(
  slab: Slab,
  optimizer: AdamW,
  state: RunState,
  description: Record<string, string>,
): Promise<CheckpointFiles> {
  const [averages, squares] = [await slab.read(optimizer.expAvg), await slab.read(optimizer.expAvgSq)];
  const moments = new Map(
    [...slab.parameters()].flatMap(([key, { shape }]) => [
      [`exp_avg.${key}`, storedTensor(averages.get(key) as Float32Array, [...shape])] as const,
      [`exp_avg_sq.${key}`, storedTensor(squares.get(key) as Float32Array, [...shape])] as const,
    ]),
  );
  return {
    ...description,
    'model.safetensors': await weightsFile(slab),
    'optimizer.safetensors': serializeSafetensors(moments),
    'trainer_state.json': `${JSON.stringify(state, null, 2)}\n`,
  };
}

export async function saveCheckpoint(store: RunStore, files: CheckpointFiles): Promise<void> {
  await store.writeCheckpoint(name, files);
}

/**
 * Puts the last checkpoint's tensors into place and returns its state; undefined when there is none. Throws
 * `checkpoint` when a file is missing or does not fit the model, naming it.
 */
export async function loadCheckpoint(
  store: RunStore,
  slab: Slab,
  optimizer: AdamW,
): Promise<RunState | undefined> {
  const files = await store.readCheckpoint(name);
  if (!files) return undefined;
  const state = parseState(need(files, 'trainer_state.json'));
  const weights = parseSafetensors(need(files, 'model.safetensors'), `${name}/model.safetensors`);
  loadStateDict(slab, weights.tensors);
  const { tensors } = parseSafetensors(need(files, 'optimizer.safetensors'), `${name}/optimizer.safetensors`);
  for (const [prefix, flat] of [
    ['exp_avg.', optimizer.expAvg],
    ['exp_avg_sq.', optimizer.expAvgSq],
  ] as const) {
    const own = [...tensors].filter(([key]) => key.startsWith(prefix));
    loadStateDict(slab, new Map(own.map(([key, tensor]) => [key.slice(prefix.length), tensor])), { flat });
  }
  optimizer.steps = state.step;
  return state;
}

/** What may differ between a run and its resumption: its length and rhythm, which no step depends on. */
const free: ReadonlySet<string> = new Set([
  'steps',
  'epochs',
  'minutes',
  'evalEvery',
  'evalSequences',
  'patience',
  'checkpointEvery',
]);

/** Throws `checkpoint` naming the first option that makes this another run. */
export function requireSameRun(before: TrainOptions, now: TrainOptions): void {
  const names = Object.keys({ ...before, ...now }) as (keyof TrainOptions)[];
  const changed = names.find(
    (key) => !free.has(key) && JSON.stringify(before[key]) !== JSON.stringify(now[key]),
  );
  if (changed === undefined) return;
  throw new ClozeError(
    'checkpoint',
    `the run was started with ${changed} ${JSON.stringify(before[changed])}, not ${JSON.stringify(now[changed])}`,
    'Resume with the same options, or start a new run',
  );
}

function need(files: Record<string, Uint8Array>, file: string): Uint8Array {
  const bytes = files[file];
  if (bytes) return bytes;
  throw new ClozeError('checkpoint', `the checkpoint has no ${file}`, 'Start the run anew, without --resume');
}

function parseState(bytes: Uint8Array): RunState {
  try {
    const state = JSON.parse(new TextDecoder().decode(bytes)) as RunState;
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
