/** The memory of a model in training, and the optimiser that a run asks for. */
import type { Engine } from '../../autograd/index.ts';
import {
  AdamW,
  GradScaler,
  Lamb,
  type Module,
  MovingAverage,
  Muon,
  materialize,
  muonGroups,
  type Optimizer,
  type Slab,
} from '../../nn/index.ts';
import type { TrainOptions } from './options.ts';

export type OptimizerOptions = Pick<
  TrainOptions,
  'optimizer' | 'beta1' | 'beta2' | 'weightDecay' | 'maxGradNorm' | 'seed' | 'dtype' | 'ema'
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
): {
  slab: Slab;
  optimizer: Optimizer;
  /** What is evaluated and saved instead of the weights, where the options ask for it; the optimiser updates it. */
  average: MovingAverage | undefined;
  scaler: GradScaler | undefined;
} {
  const { optimizer: name, beta1, beta2, weightDecay, maxGradNorm, seed, ema } = options;
  const scaler = options.dtype === 'f16' ? new GradScaler(engine) : undefined;
  const settings = { betas: [beta1, beta2], weightDecay, maxGradNorm, scaler } as const;
  const slab = materialize(model, engine, { seed, ...(name === 'muon' && { groupOf: inLayers }) });
  const Kind = { adamw: AdamW, lamb: Lamb, muon: Muon }[name];
  const inner = new Kind(slab, settings);
  const average = ema > 0 ? new MovingAverage(slab, inner, ema) : undefined;
  return { slab, optimizer: average ?? inner, average, scaler };
}
