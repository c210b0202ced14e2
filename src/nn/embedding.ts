import { embedding, type Indices, type Tensor } from '../autograd/index.ts';
import { normal } from './initializers.ts';
import { type Initializer, Module, type Parameter } from './module.ts';

export interface EmbeddingOptions {
  /** A row that never receives a gradient. */
  paddingIdx?: number;
  /** First values; default standard normal, as torch.nn.Embedding. */
  init?: Initializer;
}

/** Looks rows of a table up: indices [...] → [..., width]. */
export class Embedding extends Module {
  readonly weight: Parameter;
  private readonly paddingIdx: number | undefined;

  constructor(rows: number, width: number, options: EmbeddingOptions = {}) {
    super();
    const init = options.init ?? ((values, random) => normal(values, random));
    this.weight = this.parameter('weight', [rows, width], init, { decays: true });
    this.paddingIdx = options.paddingIdx;
  }

  forward(indices: Indices): Tensor {
    return embedding(this.weight.value, indices, { paddingIdx: this.paddingIdx });
  }
}
