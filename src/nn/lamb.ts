/**
 * LAMB (You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2020): AdamW's update, decay
 * included, is scaled for each parameter by the norm of the parameter over its own. Parameters that do not decay, vectors, keep
 * AdamW's, as in the authors' code. Gradients are clipped by their global norm, and a step whose norm is not finite changes
 * nothing. Nothing is read back.
 */
import { sub, type Tensor } from '../autograd/index.ts';
import { adamw, sumSquares, sumSquaresPartials } from '../kernels/index.ts';
import { trustRatio } from '../kernels/lamb.ts';
import { muonUpdate } from '../kernels/muon.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';
import { GradientClip } from './gradientClip.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import { type Segment, Slab } from './slab.ts';

/** A segment whose parameters are scaled, and what is remembered of it. */
interface Scaled {
  segment: Segment;
  expAvg: Tensor;
  expAvgSq: Tensor;
  hyper: Tensor;
}

export class Lamb implements Optimizer {
  readonly state: readonly OptimizerState[];
  steps = 0;
  private readonly slab: Slab;
  private readonly rest: AdamW;
  private readonly scaled: readonly Scaled[];
  private readonly clip: GradientClip;
  private readonly lr: Tensor;
  private readonly options: Required<Pick<AdamWOptions, 'betas' | 'eps' | 'weightDecay'>>;

  constructor(slab: Slab, options: AdamWOptions = {}) {
    const { engine, segments } = slab;
    const own = (shape: readonly number[]) => engine.keep(engine.zeros(shape));
    const decays = ({ group }: Segment) => !group.startsWith('no-decay');
    this.slab = slab;
    this.options = { betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0.01, ...options };
    this.clip = new GradientClip(slab, options.maxGradNorm ?? 0, options.scaler);
    const vectors = new Slab(
      engine,
      segments.filter((segment) => !decays(segment)),
    );
    this.rest = new AdamW(vectors, { ...options, eps: this.options.eps }, this.clip);
    this.scaled = segments.filter(decays).map((segment) => ({
      segment,
      expAvg: own(segment.values.shape),
      expAvgSq: own(segment.values.shape),
      hyper: own([8]),
    }));
    this.lr = own([1]);
    const inOrder = (scaled: readonly Tensor[], rest: readonly Tensor[]) => {
      const [matrices, vectors] = [[...scaled], [...rest]];
      return segments.map((segment) => (decays(segment) ? matrices : vectors).shift() as Tensor);
    };
    this.state = [
      {
        name: 'exp_avg',
        slab,
        flat: inOrder(
          this.scaled.map(({ expAvg }) => expAvg),
          this.rest.expAvg,
        ),
      },
      {
        name: 'exp_avg_sq',
        slab,
        flat: inOrder(
          this.scaled.map(({ expAvgSq }) => expAvgSq),
          this.rest.expAvgSq,
        ),
      },
    ];
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
    this.rest.steps = this.steps - 1;
    this.rest.prepare(lr);
    this.lr.write(Float32Array.of(lr));
    const { betas, eps, weightDecay } = this.options;
    const corrections = [1 - betas[0] ** this.steps, Math.sqrt(1 - betas[1] ** this.steps)];
    // With a rate of 1, AdamW's step is the update itself.
    const hyper = Float32Array.of(1, betas[1], 1 - betas[0], 1 - betas[1], eps, weightDecay, ...corrections);
    for (const part of this.scaled) part.hyper.write(hyper);
  }

  update(): void {
    this.clip.measure();
    this.rest.apply();
    for (const part of this.scaled) this.apply(part);
  }

  dispose(): void {
    this.rest.dispose();
    for (const { expAvg, expAvgSq, hyper } of this.scaled) {
      for (const tensor of [expAvg, expAvgSq, hyper]) tensor.dispose();
    }
    this.lr.dispose();
  }

  private apply({ segment, expAvg, expAvgSq, hyper }: Scaled): void {
    const { engine } = this.slab;
    const { factor } = this.clip;
    const { values, gradients: gradient, slots } = segment;
    engine.noGrad(() =>
      engine.scope(() => {
        const stepped = engine.copyOf(values);
        const count = values.size;
        engine.run(adamw, { count }, { gradient, hyper, factor, value: stepped, expAvg, expAvgSq });
        const updates = sub(values, stepped);
        for (const { parameter, offset } of slots) {
          const { size } = parameter;
          const part = (flat: Tensor) =>
            engine.share(flat.storage, [size], 'f32', flat.view.offset + 4 * offset);
          const [value, update] = [part(values), part(updates)];
          const partials = sumSquaresPartials(size);
          const squares = [value, update].map((x) => {
            const sums = engine.empty([partials]);
            engine.run(sumSquares, { rows: 1, count: size }, { x, partials: sums });
            return sums;
          });
          const rate = engine.empty([2]);
          engine.run(
            trustRatio,
            { count: partials },
            { values: squares[0], updates: squares[1], lr: this.lr, hyper: rate },
          );
          engine.run(muonUpdate, { count: size }, { update, hyper: rate, factor, value });
        }
      }),
    );
  }
}
