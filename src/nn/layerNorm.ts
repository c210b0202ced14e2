import { layerNorm, residualLayerNorm, type Tensor } from '../autograd/index.ts';
import type { Dropout } from './dropout.ts';
import { ones, zeros } from './initializers.ts';
import { Module, type Parameter } from './module.ts';

/**
 * Normalises the last axis to mean 0 and variance 1, then scales and shifts: (x − μ) / sqrt(σ² + eps) · weight + bias
 * (Ba, Kiros and Hinton, "Layer Normalization", 2016).
 */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  private readonly eps: number;

  constructor(width: number, options: { eps?: number; bias?: boolean } = {}) {
    super();
    this.eps = options.eps ?? 1e-5;
    this.weight = this.parameter('weight', [width], ones, { decays: false });
    if (options.bias ?? true) this.bias = this.parameter('bias', [width], zeros, { decays: false });
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight.value, this.bias?.value, this.eps);
  }

  /** The sum residual + dropout(x), and `y`, the sum normalised, in one kernel. */
  forwardResidual(x: Tensor, residual: Tensor, dropout: Dropout): { y: Tensor; sum: Tensor } {
    return residualLayerNorm(x, residual, {
      weight: this.weight.value,
      bias: this.bias?.value,
      eps: this.eps,
      dropout: dropout.use(x.engine),
    });
  }
}
