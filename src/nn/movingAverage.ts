/**
 * An exponential moving average of the weights beside any optimiser (Polyak and Juditsky, 1992; in the form that Tarvainen and
 * Valpola, "Mean teachers", 2017, made common): after each update, average += (1 − d) (weights − average). The average often scores
 * better than the weights it follows. d grows as (1 + t) / (10 + t) up to `decay`, so that the first weights are soon forgotten.
 */
import type { Tensor } from '../autograd/index.ts';
import { movingAverage } from '../kernels/lamb.ts';
import type { Optimizer, OptimizerState } from './optimizer.ts';
import type { Slab } from './slab.ts';

export class MovingAverage implements Optimizer {
  readonly state: readonly OptimizerState[];
  private readonly slab: Slab;
  private readonly inner: Optimizer;
  private readonly decay: number;
  private readonly averages: readonly Tensor[];
  private readonly share: Tensor;
  private swapped = false;

  constructor(slab: Slab, inner: Optimizer, decay: number) {
    const { engine, segments } = slab;
    this.slab = slab;
    this.inner = inner;
    this.decay = decay;
    this.averages = segments.map(({ values }) => engine.keep(engine.copyOf(values)));
    this.share = engine.keep(engine.zeros([1]));
    this.state = [...inner.state, { name: 'ema', slab, flat: this.averages }];
  }

  get steps(): number {
    return this.inner.steps;
  }

  set steps(steps: number) {
    this.inner.steps = steps;
  }

  get gradNorm(): Tensor {
    return this.inner.gradNorm;
  }

  step(lr: number): void {
    this.prepare(lr);
    this.update();
  }

  prepare(lr: number): void {
    this.inner.prepare(lr);
    const decay = Math.min(this.decay, (1 + this.steps) / (10 + this.steps));
    this.share.write(Float32Array.of(1 - decay));
  }

  update(): void {
    this.inner.update();
    this.slab.segments.forEach(({ values }, i) => {
      const operands = { value: values, share: this.share, average: this.averages[i] };
      this.slab.engine.run(movingAverage, { count: values.size }, operands);
    });
  }

  /** Runs `body` with the average in the place of the weights. */
  async withAverage<T>(body: () => Promise<T>): Promise<T> {
    if (this.swapped) return body();
    this.swap();
    try {
      return await body();
    } finally {
      this.swap();
    }
  }

  dispose(): void {
    this.inner.dispose();
    for (const tensor of [...this.averages, this.share]) tensor.dispose();
  }

  private swap(): void {
    const { engine, segments } = this.slab;
    this.swapped = !this.swapped;
    segments.forEach(({ values }, i) => {
      const kept = engine.copyOf(values);
      engine.device.copy(this.averages[i].view, values.view);
      engine.device.copy(kept.view, this.averages[i].view);
      kept.dispose();
    });
  }
}
