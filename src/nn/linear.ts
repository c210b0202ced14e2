import { add, affine, gelu, linear, linearGelu, type Tensor } from '../autograd/index.ts';
import { uniform, zeros } from './initializers.ts';
import { type Initializer, Module, type Parameter } from './module.ts';

export interface LinearOptions {
  bias?: boolean;
  /** The parameter whose random numbers the weight starts from; see {@link Parameter.drawsAs}. */
  drawsAs?: (name: string) => string;
  /** First values of the weight; default uniform within ±1/sqrt(in), as torch.nn.Linear. */
  init?: Initializer;
}

/** A change of a weight that has few values; see {@link Linear.adapt}. */
export interface LoraOptions {
  /** Rows of the first matrix and columns of the second. */
  rank: number;
  /** The change is `alpha / rank` times their product. */
  alpha: number;
}

/** y = x Wᵀ + b over the last axis: [..., in] → [..., out]. The weight is stored [out, in]. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  private lora: { a: Linear; b: Linear; scale: number } | undefined;

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

  /**
   * Adds scale · B A to the weight, two thin matrices that learn while the weight may be frozen (Hu et al., "LoRA", 2021). B begins
   * as zeros, so that nothing changes at first. Called before the model has memory; `mergeLora` undoes it in saved tensors.
   */
  adapt({ rank, alpha }: LoraOptions): void {
    const [outFeatures, inFeatures] = this.weight.shape;
    const a = this.child('lora_A', new Linear(inFeatures, rank, { bias: false }));
    const b = this.child('lora_B', new Linear(rank, outFeatures, { bias: false, init: zeros }));
    this.lora = { a, b, scale: alpha / rank };
  }

  forward(x: Tensor): Tensor {
    const y = linear(x, this.weight.value, this.bias?.value);
    if (!this.lora) return y;
    const { a, b, scale } = this.lora;
    return add(y, affine(b.forward(a.forward(x)), scale));
  }

  /** gelu(x Wᵀ + b), in one kernel where the weight is all there is. */
  forwardGelu(x: Tensor, approximate: 'none' | 'tanh'): Tensor {
    if (this.lora) return gelu(this.forward(x), { approximate });
    return linearGelu(x, this.weight.value, this.bias?.value, approximate);
  }
}
