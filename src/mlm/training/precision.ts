/** Training in mixed precision: what of it belongs to a model, and what to a run. */
import type { Engine, FloatType } from '../../autograd/index.ts';
import { requireHalf } from '../../kernels/launcher.ts';
import type { Trainee } from '../objectives/objective.ts';

/** The same model, which computes its loss with activations of that type. Throws `dtype` where the adapter lacks it. */
export function inPrecision(engine: Engine, trainee: Trainee, dtype: FloatType): Trainee {
  if (dtype === 'f32') return trainee;
  requireHalf(engine.device.capabilities);
  return { ...trainee, loss: (inputs) => engine.autocast(dtype, () => trainee.loss(inputs)) };
}
