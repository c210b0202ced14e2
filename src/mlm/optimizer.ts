/** The memory of a model in training, and the optimiser that a run asks for. */
import type { Engine } from '../autograd/index.ts';
import { AdamW, type Module, Muon, materialize, muonGroups, type Optimizer, type Slab } from '../nn/index.ts';
import type { TrainOptions } from './options.ts';

export type OptimizerOptions = Pick<
  TrainOptions,
  'optimizer' | 'beta1' | 'beta2' | 'weightDecay' | 'maxGradNorm' | 'seed'
>;

/** The matrices of the layers; those of embeddings and heads are not hidden, and Muon leaves them to AdamW. */
const inLayers = muonGroups((name) => /(^|\.)encoder\.layer\.\d+\./.test(name));

/** Gives a model its memory, laid out as its optimiser needs it. First values are the same with each. */
export function prepareTraining(
  model: Module,
  engine: Engine,
  options: OptimizerOptions,
): { slab: Slab; optimizer: Optimizer } {
  const { optimizer: name, beta1, beta2, weightDecay, maxGradNorm, seed } = options;
  const settings = { betas: [beta1, beta2], weightDecay, maxGradNorm } as const;
  if (name === 'muon') {
    const slab = materialize(model, engine, { seed, groupOf: inLayers });
    return { slab, optimizer: new Muon(slab, settings) };
  }
  const slab = materialize(model, engine, { seed });
  return { slab, optimizer: new AdamW(slab, settings) };
}
