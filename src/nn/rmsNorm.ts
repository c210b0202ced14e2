import { add, rmsNorm, type Tensor } from '../autograd/index.ts';
import type { Dropout } from './dropout.ts';
import { ones } from './initializers.ts';
import { Module, type Parameter } from './module.ts';

/** Scales the last axis to a mean square of 1, then by a weight (Zhang and Sennrich, 2019); as torch.nn.RMSNorm. */
export class RMSNorm extends Module {
  readonly weight: Parameter;
  private readonly eps: number | undefined;

  constructor(width: number, options: { eps?: number } = {}) {
    super();
    this.eps = options.eps;
    this.weight = this.parameter('weight', [width], ones, { decays: false });
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.weight.value, this.eps);
  }

  /** The sum residual + dropout(x), and `y`, the sum normalised. */
  forwardResidual(x: Tensor, residual: Tensor, dropout: Dropout): { y: Tensor; sum: Tensor } {
    const sum = add(residual, dropout.forward(x));
    return { y: this.forward(sum), sum };
  }
}
