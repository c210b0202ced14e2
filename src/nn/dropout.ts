import { type DropoutUse, dropout, type Engine, type Tensor } from '../autograd/index.ts';
import { Module } from './module.ts';

/**
 * While training, sets each element to zero with probability p and scales the rest by 1/(1 − p). What is dropped
 * follows from the engine's (seed, step), this module's `layer` and the element's index: nothing is stored.
 */
export class Dropout extends Module {
  readonly p: number;
  /** Sets this dropout apart from the others of a model; `numberDropouts` gives each its own. */
  layer = 0;

  constructor(p: number) {
    super();
    this.p = p;
  }

  forward(x: Tensor): Tensor {
    const use = this.use(x.engine);
    return use ? dropout(x, this.p, use) : x;
  }

  /** What an op that drops on its way has to know; undefined where nothing is dropped. */
  use(engine: Engine): DropoutUse | undefined {
    const { p, layer } = this;
    return this.training && p > 0 ? { p, layer, state: engine.randomState } : undefined;
  }
}

/** Numbers the dropouts of a model in order, so that no two draw the same mask. */
export function numberDropouts(model: Module): void {
  let layer = 0;
  for (const [, module] of model.namedModules()) if (module instanceof Dropout) module.layer = layer++;
}
