/**
 * Fine-tuning a model again as new examples come. What it learnt before fades, unless some of the earlier examples come again among the new
 * ones (Robins, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", 1995).
 */
import type { Engine } from '../../autograd/index.ts';
import { sample } from './examples.ts';
import type { FinetuneOptions } from './options.ts';
import { type PredictOptions, scoreOf, type TaskExample, type TaskModel, type TaskScores } from './task.ts';

/** The runs that a model went through before the last one, the earliest first, in the folder of the model. */
export const historyFile = 'history.json';

/** The fresh examples, and `replay` times as many earlier ones, or all of them where there are fewer. */
export function withReplay(
  fresh: readonly TaskExample[],
  earlier: readonly TaskExample[],
  replay: number,
  seed: number,
): TaskExample[] {
  const wanted = Math.round(replay * fresh.length);
  if (wanted === 0 || earlier.length === 0) return [...fresh];
  return [...fresh, ...sample(earlier, Math.min(1, wanted / earlier.length), seed)];
}

/** Examples that a model is scored on before it learns on, and after. */
export interface Probe {
  /** The file that they are of. */
  data: string;
  examples: readonly TaskExample[];
}

export interface Change {
  data: string;
  before: TaskScores;
  after: TaskScores;
  /** After less before, by metric: below 0, something was forgotten. */
  change: TaskScores;
}

/** Scores on each probe, in order. */
export async function scoreProbes(
  engine: Engine,
  trainee: TaskModel,
  probes: readonly Probe[],
  options: PredictOptions,
): Promise<TaskScores[]> {
  const scores: TaskScores[] = [];
  for (const { examples } of probes) {
    scores.push(scoreOf(trainee.task, examples, await trainee.predict(engine, examples, options)));
  }
  return scores;
}

export function changesOf(
  probes: readonly Probe[],
  before: readonly TaskScores[],
  after: readonly TaskScores[],
): Change[] {
  return probes.map(({ data }, i) => ({
    data,
    before: before[i],
    after: after[i],
    change: Object.fromEntries(
      Object.entries(after[i]).map(([metric, value]) => [metric, value - before[i][metric]]),
    ),
  }));
}

/** The options of a run that goes on from the model of another: its rows are those of the other. */
export function nextRun(
  last: FinetuneOptions,
  own: Partial<FinetuneOptions> & Pick<FinetuneOptions, 'data'>,
): Record<string, unknown> {
  const { task, seqLen, docStride } = last;
  return { task, docStride, ...(seqLen !== undefined && { seqLen }), ...own };
}
