/** The downstream tasks by name. */
import { ClozeError } from '../../gpu/errors.ts';
import { classification } from './classification.ts';
import { dialogue } from './dialogue.ts';
import { entities } from './entities.ts';
import { questions } from './questions.ts';
import { relations } from './relations.ts';
import { similarity } from './similarity.ts';
import { summarization } from './summarization.ts';
import type { Task } from './task.ts';
import { translation } from './translation.ts';

export type { Task, TaskExample, TaskModel, TaskPrediction, TaskScores } from './task.ts';

export const tasks: readonly Task[] = [
  classification,
  entities,
  relations,
  questions,
  similarity,
  translation,
  summarization,
  dialogue,
];

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
