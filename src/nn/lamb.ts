/**
 * LAMB (You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2020): AdamW's update, decay
 * included, is scaled for each parameter by the norm of the parameter over its own. Parameters that do not decay, vectors, keep
 * AdamW's, as in the authors' code. All else is AdamW's: clipping, moments, and that a step whose norm is not finite changes
 * nothing. Nothing is read back.
 */
import { sub, type Tensor } from '../autograd/index.ts';
import { sumSquares, sumSquaresPartials } from '../kernels/index.ts';
import { trustRatio } from '../kernels/lamb.ts';
import { muonUpdate } from '../kernels/muon.ts';
import { AdamW, type AdamWOptions } from './adamw.ts';
import { decays, type Segment, type Slab } from './slab.ts';

export class Lamb extends AdamW {
  /** Learning rates by segment: one number each. */
  private readonly rates: readonly Tensor[];

  /** `eps` is 1e-6 by default, the authors'. */
  constructor(slab: Slab, options: AdamWOptions = {}) {
    super(slab, { eps: 1e-6, ...options });
    const { engine, segments } = slab;
    this.rates = segments.map(() => engine.keep(engine.zeros([1])));
  }

  override prepare(lr: number): void {
    super.prepare(lr);
    this.slab.segments.forEach(({ group }, i) => {
      this.rates[i].write(Float32Array.of(this.rateOf(group, lr)));
    });
  }

  override dispose(): void {
    super.dispose();
    for (const rate of this.rates) rate.dispose();
  }

  /** With a rate of 1, AdamW's step is the update itself. */
  protected override hyperParameters(group: string, rate: number): Float32Array {
    return super.hyperParameters(group, decays(group) ? 1 : rate);
  }

  protected override applyTo(segment: Segment, i: number): void {
    const { engine } = this.slab;
    if (decays(segment.group)) engine.noGrad(() => engine.scope(() => this.applyScaled(segment, i)));
    else super.applyTo(segment, i);
  }

  private applyScaled({ values, slots }: Segment, i: number): void {
    const { engine } = this.slab;
    const stepped = engine.copyOf(values);
    this.move(stepped, i);
    const updates = sub(values, stepped);
    for (const { parameter, offset } of slots) {
      const part = (flat: Tensor) =>
        engine.share(flat.storage, [parameter.size], 'f32', flat.view.offset + 4 * offset);
      this.scale(part(values), part(updates), this.rates[i]);
    }
  }

  /** value − rate · |value| / |update| · update. */
  private scale(value: Tensor, update: Tensor, lr: Tensor): void {
    const { engine } = this.slab;
    const count = value.size;
    const partials = sumSquaresPartials(count);
    const [values, updates] = [value, update].map((x) => {
      const sums = engine.empty([partials]);
      engine.run(sumSquares, { rows: 1, count }, { x, partials: sums });
      return sums;
    });
    const hyper = engine.empty([2]);
    engine.run(trustRatio, { count: partials }, { values, updates, lr, hyper });
    engine.run(muonUpdate, { count }, { update, hyper, factor: this.clip.factor, value });
  }
}
