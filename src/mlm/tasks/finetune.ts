/** Fine-tuning: the trainer's step over the examples of a task, and the score on others after each epoch. */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import {
  AdamW,
  addLora,
  createSchedule,
  isLora,
  materialize,
  numberDropouts,
  type Parameter,
  type Slab,
} from '../../nn/index.ts';
import { decayGroup } from '../../nn/slab.ts';
import { epochOrder } from '../data/batch.ts';
import type { Trainee } from '../objectives/index.ts';
import { descriptionFiles } from '../pretrained.ts';
import type { RunStore } from '../storage/storage.ts';
import { loadCheckpoint, type StepState, saveCheckpoint } from '../training/checkpoint.ts';
import { type StepMetrics, TrainingStep } from '../training/step.ts';
import type { TaskData } from './examples.ts';
import type { FinetuneOptions } from './options.ts';
import { checkWriting, scoreOf, type TaskModel, type TaskScores } from './task.ts';

export type FinetuneEvent =
  | { event: 'step'; step: number; steps: number; loss: number; accuracy: number; gradNorm: number }
  | ({ event: 'eval'; epoch: number } & { scores: TaskScores });

/** How far below the head a parameter stands: 0 for the head, 1 for the last layer, one more than the layers for embeddings. */
function depthOf(name: string, layers: number): number {
  const layer = /encoder\.layer\.(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return layers - Number(layer);
  return name.startsWith('bert.embeddings.') ? layers + 1 : 0;
}

/** What of the options decides which parameters learn. */
export type LearningOptions = Pick<FinetuneOptions, 'freeze' | 'loraRank' | 'loraAlpha' | 'loraTargets'>;

/**
 * Gives a task's model its memory, in segments of one depth, which its optimiser may treat apart. Embeddings and `freeze` layers
 * from below, and with LoRA all of the body that was pre-trained, get no gradients. Throws ClozeError `option` when there are not so many
 * layers, or none of a name to adapt.
 */
export function materializeTask(
  { model, config }: TaskModel,
  engine: Engine,
  {
    seed = 0,
    freeze = 0,
    loraRank = 0,
    loraAlpha = 16,
    loraTargets = [],
  }: Partial<LearningOptions> & {
    seed?: number;
  } = {},
): Slab {
  const { num_hidden_layers: layers } = config;
  if (freeze > layers) {
    throw new ClozeError('option', `${freeze} layers cannot be frozen`, `The model has ${layers}`);
  }
  if (loraRank > 0) addLora(model, loraTargets, { rank: loraRank, alpha: loraAlpha });
  numberDropouts(model);
  const groupOf = (name: string, parameter: Parameter) =>
    `${decayGroup(name, parameter)}:${depthOf(name, layers)}`;
  const freezes = (name: string) =>
    (freeze > 0 && depthOf(name, layers) > layers - freeze) || (loraRank > 0 && isPretrained(name));
  return materialize(model, engine, { seed, groupOf, freezes });
}

/** Whether a parameter belongs to a body as pre-training leaves it: the pooler and adaptations are new. */
export const isPretrained = (name: string) => /^bert\.(?!pooler\.)/.test(name) && !isLora(name);

/** The factor on the learning rate of a segment of {@link materializeTask}. */
const depthFactor = (group: string, layerDecay: number) => layerDecay ** Number(group.split(':')[1]);

/** What the loop itself reads of the options. */
export type FinetuneSettings = Pick<
  FinetuneOptions,
  | 'epochs'
  | 'evalEvery'
  | 'batchSize'
  | 'lr'
  | 'layerDecay'
  | 'weightDecay'
  | 'warmup'
  | 'labelSmoothing'
  | 'beams'
  | 'lengthPenalty'
  | 'seed'
  | 'seqLen'
  | 'docStride'
>;

/** Where a run leaves a checkpoint whenever it has scored its model, and whether it goes on from the one that is there. */
export interface FinetuneRun {
  store: RunStore;
  resume?: boolean;
}

/** Options that may differ in a run that goes on. */
const mayChange: ReadonlySet<string> = new Set<keyof FinetuneOptions>(['evalEvery']);

/** The model with the loss that it learns by. Throws ClozeError `option` where nothing can be smoothed. */
function learner(trainee: TaskModel, smoothing: number): Trainee {
  if (smoothing === 0) return trainee;
  const { smoothedLoss, task } = trainee;
  if (smoothedLoss) return { ...trainee, loss: (inputs) => smoothedLoss(inputs, smoothing) };
  throw new ClozeError('option', `${task.name} has no classes whose labels could be smoothed`, 'Use 0');
}

/**
 * Trains `trainee`, whose memory is `slab`, and tells each step's numbers and each epoch's scores. Equal seeds, equal bits, gone on
 * with or not. Throws ClozeError `input` for labels that are none of the model's, `checkpoint` where there is nothing to go on from.
 */
export async function* finetune(
  trainee: TaskModel,
  slab: Slab,
  { train, development }: Pick<TaskData, 'train' | 'development'>,
  options: FinetuneSettings,
  run?: FinetuneRun,
): AsyncGenerator<FinetuneEvent, void, void> {
  const { engine } = slab;
  checkWriting(trainee.task, options);
  const { epochs, evalEvery, batchSize, lr, layerDecay, weightDecay, warmup, labelSmoothing, seed } = options;
  for (const examples of [train, development]) trainee.check?.(examples);
  const rows = trainee.rows(train, options);
  const perEpoch = Math.ceil(rows.size / batchSize);
  const steps = perEpoch * epochs;
  const schedule = createSchedule({ name: 'linear', totalSteps: steps, warmupRatio: warmup });
  const lrScale = (group: string) => depthFactor(group, layerDecay);
  const optimizer = new AdamW(slab, { weightDecay, maxGradNorm: 1, lrScale });
  const training = new TrainingStep({ trainee: learner(trainee, labelSmoothing), slab, optimizer, seed });
  const description = descriptionFiles(trainee.config, trainee.tokenizer);
  let submitted: Submitted | undefined;
  try {
    const before = run?.resume ? await resume(run.store, slab, optimizer, options, description) : 0;
    let order: Uint32Array = new Uint32Array();
    for (let step = before + 1; step <= steps; step++) {
      const epoch = Math.floor((step - 1) / perEpoch);
      const start = ((step - 1) % perEpoch) * batchSize;
      if (start === 0 || step === before + 1) order = epochOrder(rows.size, seed, epoch);
      const chosen = Int32Array.from({ length: batchSize }, (_, b) => order[start + b] ?? -1);
      const metrics = training.run([rows.batch(chosen)], step, lr * schedule(step));
      // Whoever breaks off the run waits for no numbers; their failure is then nobody's business.
      metrics.catch(() => {});
      // The numbers of a step are waited for while the next one runs.
      if (submitted) yield await toldOf(submitted, steps);
      submitted = { step, metrics };
      const done = step / perEpoch;
      if (done === epochs || (Number.isInteger(done) && done % evalEvery === 0)) {
        yield await toldOf(submitted, steps);
        submitted = undefined;
        const predicted = await trainee.predict(engine, development, options);
        if (run) await saveCheckpoint(run.store, slab, optimizer, { step, options }, description);
        yield { event: 'eval', epoch: done, scores: scoreOf(trainee.task, development, predicted) };
      }
    }
  } finally {
    await submitted?.metrics.catch(() => {});
    training.dispose();
    optimizer.dispose();
  }
}

/** A step whose numbers are still to come. */
interface Submitted {
  step: number;
  metrics: Promise<StepMetrics>;
}

/** Waits for a step's numbers. Throws ClozeError `nan` where they are none. */
async function toldOf({ step, metrics }: Submitted, steps: number): Promise<FinetuneEvent> {
  const { loss, accuracy, gradNorm } = await metrics;
  if (Number.isFinite(loss) && Number.isFinite(gradNorm))
    return { event: 'step', step, steps, loss, accuracy, gradNorm };
  throw new ClozeError(
    'nan',
    `the loss is ${loss} and the norm of the gradients ${gradNorm} at step ${step}`,
    'Lower --lr',
  );
}

/** Puts the checkpoint's tensors into place; returns the steps done. */
async function resume(
  store: RunStore,
  slab: Slab,
  optimizer: AdamW,
  options: FinetuneSettings,
  description: Record<string, string>,
): Promise<number> {
  const state = await loadCheckpoint<StepState<FinetuneSettings>>(store, slab, optimizer, options, {
    description,
    mayChange,
  });
  if (state) return state.step;
  throw new ClozeError('checkpoint', 'there is no checkpoint to resume', 'Start without --resume');
}
