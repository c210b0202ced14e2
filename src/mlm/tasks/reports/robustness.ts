/** How a task's scores fall as its texts are disturbed more and more. */
import type { Engine } from '../../../autograd/index.ts';
import { type PredictOptions, scoreOf, type TaskExample, type TaskModel, type TaskScores } from '../task.ts';
import { type Disturbance, disturb, disturbances } from './disturbance.ts';

export interface RobustnessPoint {
  rate: number;
  scores: TaskScores;
}

export type Robustness = Record<Disturbance, RobustnessPoint[]>;

export const disturbanceRates = [0, 0.05, 0.1, 0.2, 0.4] as const;

/** Scores at rising rates of each kind of disturbance; at 0, the same for all, the texts are as they are. */
export async function reportRobustness(
  engine: Engine,
  trainee: TaskModel,
  examples: readonly TaskExample[],
  options: PredictOptions & { seed: number },
): Promise<Robustness> {
  const scoresAt = async (kind: Disturbance, rate: number) => {
    const { seed } = options;
    const disturbed = examples.map((example, index) => disturb(example, kind, rate, { seed, index }));
    return scoreOf(trainee.task, disturbed, await trainee.predict(engine, disturbed, options));
  };
  const calm = await scoresAt('case', 0);
  const report = {} as Robustness;
  for (const kind of disturbances) {
    report[kind] = [];
    for (const rate of disturbanceRates) {
      report[kind].push({ rate, scores: rate === 0 ? calm : await scoresAt(kind, rate) });
    }
  }
  return report;
}
