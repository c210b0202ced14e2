/** The training step of each peer, by name. */
import { platform } from '#platform';
import { jaxTraining } from './jaxTraining.ts';
import { tfjsTraining } from './tfjsTraining.ts';
import type { Training, TrainingTask } from './training.ts';

export type OpenTraining = (task: TrainingTask) => Promise<Training>;

/** `patient` lets them wait for the GPU as we do, and not as they would in Node by themselves. */
export function trainings(patient: boolean): Record<string, OpenTraining> {
  const all: Record<string, OpenTraining> = {
    tfjs: (task) => tfjsTraining(task, 'webgpu'),
    'jax-js': (task) => jaxTraining(task, 'webgpu'),
  };
  if (!patient) return all;
  const waitingAsWeDo = (open: OpenTraining) => async (task: TrainingTask) => {
    const training = await open(task);
    return { step: () => platform.patiently(training.step()), close: () => training.close() };
  };
  return Object.fromEntries(Object.entries(all).map(([name, open]) => [name, waitingAsWeDo(open)]));
}
