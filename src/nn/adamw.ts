/**
 * AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019) over the flat segments of a slab, with
 * the global gradient norm clipped on the way. Nothing is read back: the norm and the factor stay on the GPU, and a
 * step whose norm is not finite leaves the weights as they are.
 */
import type { Tensor } from '../autograd/index.ts';
import { adamw } from '../kernels/index.ts';
import { GradientClip } from './gradientClip.ts';
import type { GradScaler } from './gradScaler.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import { decays, type Segment, type Slab } from './slab.ts';

export interface AdamWOptions {
  betas?: readonly [number, number];
  eps?: number;
  /** Decay of the parameters in groups other than `no-decay`. */
  weightDecay?: number;
  /** The global norm above which gradients are scaled down; 0 leaves them alone. */
  maxGradNorm?: number;
  /** What the loss was scaled with before backward, which is taken off the gradients; see `GradScaler`. Default none. */
  scaler?: GradScaler;
  /** Factor on the learning rate of a group; default 1 for all. */
  lrScale?: (group: string) => number;
}

export class AdamW implements Optimizer {
  /** First moments of each segment, flat. */
  readonly expAvg: readonly Tensor[];
  /** Second moments of each segment, flat. */
  readonly expAvgSq: readonly Tensor[];
  readonly state: readonly OptimizerState[];
  steps = 0;
  protected readonly slab: Slab;
  protected readonly options: Required<Omit<AdamWOptions, 'scaler'>>;
  protected readonly clip: GradientClip;
  /** Per segment: learning rate, shares of the moments, eps, decay and bias corrections, as the kernel reads them. */
  private readonly hyper: readonly Tensor[];

  /** An optimiser that measures more gradients than those in `slab` gives its `clip`, which goes with this one. */
  constructor(slab: Slab, options: AdamWOptions = {}, clip?: GradientClip) {
    const { engine, segments } = slab;
    const own = (shape: readonly number[]) => engine.keep(engine.zeros(shape));
    this.slab = slab;
    this.options = {
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0.01,
      maxGradNorm: 0,
      lrScale: () => 1,
      ...options,
    };
    this.expAvg = segments.map(({ values }) => own(values.shape));
    this.expAvgSq = segments.map(({ values }) => own(values.shape));
    this.hyper = segments.map(() => own([8]));
    this.state = [
      { name: 'exp_avg', slab, flat: this.expAvg },
      { name: 'exp_avg_sq', slab, flat: this.expAvgSq },
    ];
    this.clip = clip ?? new GradientClip(slab, this.options.maxGradNorm, options.scaler);
  }

  get gradNorm(): Tensor {
    return this.clip.norm;
  }

  step(lr: number): void {
    this.prepare(lr);
    this.update();
  }

  prepare(lr: number): void {
    this.steps++;
    this.slab.segments.forEach(({ group }, i) => {
      this.hyper[i].write(this.hyperParameters(group, this.rateOf(group, lr)));
    });
  }

  update(): void {
    this.clip.measure();
    this.apply();
  }

  /** What `update` does once the gradients are measured. */
  apply(): void {
    this.slab.segments.forEach((segment, i) => {
      this.applyTo(segment, i);
    });
  }

  dispose(): void {
    for (const tensor of [...this.expAvg, ...this.expAvgSq, ...this.hyper]) tensor.dispose();
    this.clip.dispose();
  }

  /** Updates the values of segment `i`. */
  protected applyTo({ values }: Segment, i: number): void {
    this.move(values, i);
  }

  /** Takes the moments of segment `i` a step on, and with them `value`: its values, or a copy of them. */
  protected move(value: Tensor, i: number): void {
    const { engine, segments } = this.slab;
    engine.run(
      adamw,
      { count: value.size },
      {
        gradient: segments[i].gradients,
        hyper: this.hyper[i],
        factor: this.clip.factor,
        value,
        expAvg: this.expAvg[i],
        expAvgSq: this.expAvgSq[i],
      },
    );
  }

  protected rateOf(group: string, lr: number): number {
    return lr * this.options.lrScale(group);
  }

  /** What the kernel reads of the step at hand. */
  protected hyperParameters(group: string, rate: number): Float32Array {
    const { betas, eps, weightDecay } = this.options;
    return Float32Array.of(
      rate,
      betas[1],
      1 - betas[0],
      1 - betas[1],
      eps,
      decays(group) ? weightDecay : 0,
      1 - betas[0] ** this.steps,
      Math.sqrt(1 - betas[1] ** this.steps),
    );
  }
}
