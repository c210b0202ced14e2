/** The downstream tasks by name. */
import { ClozeError } from '../../gpu/errors.ts';
import { classification } from './classification.ts';
import { entities } from './entities.ts';
import { questions } from './questions.ts';
import { relations } from './relations.ts';
import { similarity } from './similarity.ts';
import type { Task } from './task.ts';

export type { Task, TaskExample, TaskModel, TaskPrediction, TaskScores } from './task.ts';

export const tasks: readonly Task[] = [classification, entities, relations, questions, similarity];

/** Throws ClozeError `option` for a name that no task has. */
export function taskNamed(name: string): Task {
  const task = tasks.find((task) => task.name === name);
  if (task) return task;
  throw new ClozeError(
    'option',
    `there is no task ${name}`,
    `Known: ${tasks.map(({ name }) => name).join(', ')}`,
  );
}
