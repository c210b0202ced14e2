import { linear, linearGelu, type Tensor } from '../autograd/index.ts';
import { uniform, zeros } from './initializers.ts';
import { type Initializer, Module, type Parameter } from './module.ts';

export interface LinearOptions {
  bias?: boolean;
  /** The parameter whose random numbers the weight starts from; see {@link Parameter.drawsAs}. */
  drawsAs?: (name: string) => string;
  /** First values of the weight; default uniform within ±1/sqrt(in), as torch.nn.Linear. */
  init?: Initializer;
}

/** y = x Wᵀ + b over the last axis: [..., in] → [..., out]. The weight is stored [out, in]. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super();
    const bound = 1 / Math.sqrt(inFeatures);
    const init = options.init ?? ((values, random) => uniform(values, random, -bound, bound));
    this.weight = this.parameter('weight', [outFeatures, inFeatures], init, {
      decays: true,
      drawsAs: options.drawsAs,
    });
    if (options.bias ?? true) this.bias = this.parameter('bias', [outFeatures], zeros, { decays: false });
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight.value, this.bias?.value);
  }

  /** gelu(x Wᵀ + b) in one kernel. */
  forwardGelu(x: Tensor, approximate: 'none' | 'tanh'): Tensor {
    return linearGelu(x, this.weight.value, this.bias?.value, approximate);
  }
}
