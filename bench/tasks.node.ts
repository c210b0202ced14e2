/**
 * What pre-training brings downstream: each task fine-tuned from a body that was pre-trained, and from one of the same shape and
 * tokenizer that knows nothing, at several shares of the labels and with several seeds. Two controls: a body that was pre-trained on the
 * same words in random order, and labels that belong to other examples.
 */
import type { Engine } from '../src/autograd/index.ts';
import { Random } from '../src/kernels/random.ts';
import { finetune } from '../src/mlm/tasks/finetune.ts';
import { taskNamed } from '../src/mlm/tasks/index.ts';
import { type FinetuneOptions, parseFinetuneOptions } from '../src/mlm/tasks/options.ts';
import { readTaskData, startTask } from '../src/mlm/tasks/session.node.ts';
import { scoreBaseline, type TaskScores } from '../src/mlm/tasks/task.ts';
import { type ArmScore, arms } from './tasksReport.ts';

/** A task and its file. */
export interface ComparedTask {
  /** For people. */
  name: string;
  task: string;
  data: string;
}

export interface Comparison {
  tasks: readonly ComparedTask[];
  /** Folders of the two bodies. */
  bodies: { text: string; shuffled: string };
  /** Shares of the labels, and those of them at which the controls are run as well. */
  fractions: readonly number[];
  controls: readonly number[];
  seeds: number;
  epochs: number;
  /** Where there are few examples, as many epochs as it takes to make so many steps. */
  leastSteps: number;
  settings: Partial<Pick<FinetuneOptions, 'batchSize' | 'lr' | 'seqLen'>>;
}

type Key = Pick<ArmScore, 'task' | 'arm' | 'fraction' | 'seed'>;

const keyOf = ({ task, arm, fraction, seed }: Key) => [task, arm, fraction, seed].join('|');

/** Trains and scores all models that `done` has no scores of, seed by seed, so that what is there early is whole. */
export async function* compareTasks(
  engine: Engine,
  comparison: Comparison,
  done: readonly ArmScore[],
): AsyncGenerator<ArmScore, void, void> {
  const { tasks, fractions, controls, seeds } = comparison;
  const known = new Set(done.map(keyOf));
  for (let seed = 0; seed < seeds; seed++) {
    for (const task of tasks) {
      for (const fraction of fractions) {
        for (const arm of arms) {
          if (arm.startsWith('shuffled') && !controls.includes(fraction)) continue;
          const key = { task: task.name, arm, fraction, seed };
          if (!known.has(keyOf(key))) yield { ...key, ...(await scoreArm(engine, comparison, task, key)) };
        }
      }
    }
  }
}

async function scoreArm(
  engine: Engine,
  { bodies, epochs, leastSteps, settings }: Comparison,
  { task: name, data: file }: ComparedTask,
  { arm, fraction, seed }: Key,
): Promise<Omit<ArmScore, keyof Key>> {
  const task = taskNamed(name);
  const base = parseFinetuneOptions({
    ...settings,
    task: name,
    data: file,
    model: arm === 'shuffled text' ? bodies.shuffled : bodies.text,
    scratch: arm === 'scratch',
    shuffleLabels: arm === 'shuffled labels',
    // A first token is never hidden in pre-training, and so has never learnt to stand for its text.
    ...(task.architecture === 'BertForSequenceClassification' && { pooling: 'mean' }),
    labelFraction: fraction,
    seed,
  });
  const data = await readTaskData(task, base);
  const { train, development } = data;
  const perEpoch = Math.ceil(train.length / base.batchSize);
  const times = Math.max(epochs, Math.ceil(leastSteps / perEpoch));
  const { trainee, slab } = await startTask(engine, task, data, base);
  try {
    let scores: TaskScores | undefined;
    const options = { ...base, epochs: times, evalEvery: times };
    for await (const event of finetune(trainee, slab, data, options)) {
      if (event.event === 'eval') scores = event.scores;
    }
    if (!scores) throw new Error('a run ended without a score');
    const baseline = scoreBaseline(task, train, development);
    return { train: train.length, development: development.length, scores, baseline };
  } finally {
    slab.dispose();
  }
}

/** What the bodies are pre-trained on: the texts that may be learnt from, without those that are scored on. One a line. */
export async function pretrainingText(tasks: readonly ComparedTask[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { task, data } of tasks) {
    const { train } = await readTaskData(taskNamed(task), parseFinetuneOptions({ task, data }));
    for (const { text, pair } of train) lines.push(text, ...(pair === undefined ? [] : [pair]));
  }
  return [...new Set(lines.map((line) => line.replace(/\s+/g, ' ').trim()))];
}

/** Lines as long as before, of all their words in random order: how often a word is said is left, and nothing else. */
export function shuffleWords(lines: readonly string[], seed: number): string[] {
  const words = new Random(seed).shuffle(lines.flatMap((line) => line.split(' ')));
  let at = 0;
  return lines.map((line) => {
    const { length } = line.split(' ');
    at += length;
    return words.slice(at - length, at).join(' ');
  });
}
