/** The memory of a model in training, and the optimiser that a run asks for. */
import type { Engine } from '../autograd/index.ts';
import {
  AdamW,
  GradScaler,
  type Module,
  Muon,
  materialize,
  muonGroups,
  type Optimizer,
  type Slab,
} from '../nn/index.ts';
import type { TrainOptions } from './options.ts';

export type OptimizerOptions = Pick<
  TrainOptions,
  'optimizer' | 'beta1' | 'beta2' | 'weightDecay' | 'maxGradNorm' | 'seed' | 'dtype'
>;

/** The matrices of the layers; those of embeddings and heads are not hidden, and Muon leaves them to AdamW. */
const inLayers = muonGroups((name) => /(^|\.)encoder\.layer\.\d+\./.test(name));

/**
 * Gives a model its memory, laid out as its optimiser needs it. First values are the same with each. Gradients of f16 have
 * a scaler, which the optimiser is given already.
 */
export function prepareTraining(
  model: Module,
  engine: Engine,
  options: OptimizerOptions,
): { slab: Slab; optimizer: Optimizer; scaler: GradScaler | undefined } {
  const { optimizer: name, beta1, beta2, weightDecay, maxGradNorm, seed } = options;
  const scaler = options.dtype === 'f16' ? new GradScaler(engine) : undefined;
  const settings = { betas: [beta1, beta2], weightDecay, maxGradNorm, scaler } as const;
  if (name === 'muon') {
    const slab = materialize(model, engine, { seed, groupOf: inLayers });
    return { slab, optimizer: new Muon(slab, settings), scaler };
  }
  const slab = materialize(model, engine, { seed });
  return { slab, optimizer: new AdamW(slab, settings), scaler };
}
