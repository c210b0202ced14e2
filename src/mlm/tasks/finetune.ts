/** Fine-tuning: the trainer's step over the examples of a task, and the score on others after each epoch. */
import type { Engine } from '../../autograd/index.ts';
import { ClozeError } from '../../gpu/index.ts';
import { Random } from '../../kernels/random.ts';
import {
  AdamW,
  createSchedule,
  materialize,
  numberDropouts,
  type Parameter,
  type Slab,
} from '../../nn/index.ts';
import { decayGroup } from '../../nn/slab.ts';
import { epochOrder } from '../batch.ts';
import { TrainingStep } from '../step.ts';
import { streams } from '../streams.ts';
import { predictRows, type TaskModel, TaskRows } from './model.ts';
import type { TaskExample, TaskScores } from './task.ts';

export interface FinetuneOptions {
  epochs: number;
  batchSize: number;
  /** Peak learning rate of the head. */
  lr: number;
  /** Each layer learns at this share of the rate of the one above it (Howard and Ruder, "ULMFiT", 2018). 1: all alike. */
  layerDecay: number;
  /** Layers from below, embeddings included, that do not learn; 0 for none. */
  freeze: number;
  weightDecay: number;
  warmup: number;
  seed: number;
}

export type FinetuneEvent =
  | { event: 'step'; step: number; steps: number; loss: number; accuracy: number; gradNorm: number }
  | ({ event: 'eval'; epoch: number } & { scores: TaskScores });

/**
 * How far below the head a parameter stands: 0 for the head, 1 for the last layer, one more than the layers for embeddings. */
function depthOf(name: string, layers: number): number {
  const layer = /encoder\.layer\.(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return layers - Number(layer);
  return name.startsWith('bert.embeddings.') ? layers + 1 : 0;
}

/** Gives a task's model its memory, in segments of one depth, which its optimiser may treat apart. */
export function materializeTask({ model, config }: TaskModel, engine: Engine, seed: number): Slab {
  numberDropouts(model);
  const groupOf = (name: string, parameter: Parameter) =>
    `${decayGroup(name, parameter)}:${depthOf(name, config.num_hidden_layers)}`;
  return materialize(model, engine, { seed, groupOf });
}

/** The factor on the learning rate of a segment of {@link materializeTask}. */
export function depthFactor(
  group: string,
  layers: number,
  { layerDecay, freeze }: Pick<FinetuneOptions, 'layerDecay' | 'freeze'>,
): number {
  const depth = Number(group.split(':')[1]);
  return freeze > 0 && depth > layers - freeze ? 0 : layerDecay ** depth;
}

/** Trains `trainee`, whose memory is `slab`, and tells each step's numbers and each epoch's scores. Equal seeds, equal bits. */
export async function* finetune(
  trainee: TaskModel,
  slab: Slab,
  {
    train,
    development,
    seqLen,
  }: { train: readonly TaskExample[]; development: readonly TaskExample[]; seqLen?: number },
  options: FinetuneOptions,
): AsyncGenerator<FinetuneEvent, void, void> {
  const { engine } = slab;
  const { epochs, batchSize, lr, weightDecay, warmup, seed } = options;
  const rows = new TaskRows(train, trainee, seqLen);
  const held = new TaskRows(development, trainee, seqLen);
  const perEpoch = Math.ceil(train.length / batchSize);
  const steps = perEpoch * epochs;
  const layers = trainee.config.num_hidden_layers;
  const schedule = createSchedule({ name: 'linear', totalSteps: steps, warmupRatio: warmup });
  const lrScale = (group: string) => depthFactor(group, layers, options);
  const optimizer = new AdamW(slab, { weightDecay, maxGradNorm: 1, lrScale });
  const training = new TrainingStep({ trainee, slab, optimizer, seed });
  try {
    for (let step = 1; step <= steps; step++) {
      const epoch = Math.floor((step - 1) / perEpoch);
      const start = ((step - 1) % perEpoch) * batchSize;
      const order = epochOrder(train.length, seed, epoch);
      const chosen = Int32Array.from({ length: batchSize }, (_, b) => order[start + b] ?? -1);
      const { loss, accuracy, gradNorm } = await training.run(
        [rows.batch(chosen)],
        step,
        lr * schedule(step),
      );
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
        throw new ClozeError(
          'nan',
          `the loss is ${loss} and the norm of the gradients ${gradNorm} at step ${step}`,
          'Lower --lr',
        );
      }
      yield { event: 'step', step, steps, loss, accuracy, gradNorm };
      if (step % perEpoch === 0) {
        const predicted = await predictRows(engine, trainee, held, batchSize);
        yield { event: 'eval', epoch: epoch + 1, scores: scoreOf(trainee, development, predicted) };
      }
    }
  } finally {
    training.dispose();
    optimizer.dispose();
  }
}

/** How predictions for `examples` score against their labels. */
export function scoreOf(
  { task }: TaskModel,
  examples: readonly TaskExample[],
  predicted: readonly { labels: readonly string[] }[],
): TaskScores {
  return task.score(
    examples.map(({ labels }) => labels),
    predicted.map(({ labels }) => labels),
  );
}

/** Examples in a random order, of which `share` are kept: the first of them with one seed are among the more with the same. */
export function sample(examples: readonly TaskExample[], share: number, seed: number): TaskExample[] {
  const order = examples.map((_, i) => i);
  new Random(seed, streams.split).shuffle(order);
  return order.slice(0, Math.max(1, Math.round(share * examples.length))).map((i) => examples[i]);
}

/** The same examples with the labels of others: what can be learnt from them is chance, and the control is that it is. */
export function withShuffledLabels(examples: readonly TaskExample[], seed: number): TaskExample[] {
  const all = examples.flatMap(({ labels }) => labels);
  new Random(seed, streams.split + 1).shuffle(all);
  let at = 0;
  return examples.map((example) => ({ ...example, labels: example.labels.map(() => all[at++]) }));
}
