/**
 * Dynamic loss scaling, as torch.amp.GradScaler (Micikevicius et al., "Mixed Precision Training", 2018): gradients of f16 vanish
 * below 6e-8, so the loss is multiplied by a large number before backward, and the gradients of the parameters are divided
 * by it before they are used. Where some became infinite on the way, the step is skipped and the scale halved; after
 * many steps without that it is doubled.
 *
 * All of it happens on the GPU and nothing is read back: `backward(loss, scaler.scale)` begins with the scale instead of 1; an
 * optimiser that is given the scaler finds out from the norm of the gradients whether they are finite, divides by the
 * scale in the kernels that update the weights, and sets the next scale. So it can be captured and replayed.
 */
import type { Engine, Tensor } from '../autograd/index.ts';
import { lossScale } from '../kernels/index.ts';

export interface GradScalerOptions {
  /** The first scale. Powers of two lose no digits. */
  initScale?: number;
  growthFactor?: number;
  backoffFactor?: number;
  /** Steps without an overflow after which the scale grows. */
  growthInterval?: number;
}

/** What a scaler remembers from step to step. */
export interface GradScalerState {
  scale: number;
  /** Steps since the scale was last changed. */
  growthTracker: number;
}

/** Between these the scale stays: below 1 it would make small gradients vanish, above 2^24 it gains nothing. */
const [least, most] = [1, 2 ** 24];

export class GradScaler {
  /** What the loss is multiplied with: a scalar. */
  readonly scale: Tensor;
  private readonly goodSteps: Tensor;
  private readonly options: Required<GradScalerOptions>;

  constructor(engine: Engine, options: GradScalerOptions = {}) {
    this.options = {
      initScale: 2 ** 16,
      growthFactor: 2,
      backoffFactor: 0.5,
      growthInterval: 2000,
      ...options,
    };
    this.scale = engine.keep(engine.full([], this.options.initScale));
    this.goodSteps = engine.keep(engine.zeros([], 'u32'));
  }

  /** Sets the next scale. `factor`: one number, negative where the gradients were not finite; see `GradientClip`. */
  update(factor: Tensor): void {
    const { scale, goodSteps } = this;
    const { growthFactor: growth, backoffFactor: backoff, growthInterval: interval } = this.options;
    scale.engine.run(lossScale, { growth, backoff, interval, least, most }, { factor, scale, goodSteps });
  }

  /** Reads back what has to be kept for a run to go on. */
  async state(): Promise<GradScalerState> {
    const [scale, growthTracker] = await Promise.all([this.scale.item(), this.goodSteps.item()]);
    return { scale, growthTracker };
  }

  load({ scale, growthTracker }: GradScalerState): void {
    this.scale.write(Float32Array.of(scale));
    this.goodSteps.write(Uint32Array.of(growthTracker));
  }

  dispose(): void {
    this.scale.dispose();
    this.goodSteps.dispose();
  }
}
