/**
 * The global norm of a slab's gradients, and the factor that clips them to it. Both stay on the GPU, where an
 * optimiser's kernels read the factor: −1 tells them that the norm is not finite and that nothing may change. Where the loss
 * was scaled, the norm is that without the scale, and the factor takes it off.
 */
import type { Tensor } from '../autograd/index.ts';
import { clipFactor, sumSquares, sumSquaresPartials } from '../kernels/index.ts';
import type { GradScaler } from './gradScaler.ts';
import type { Slab } from './slab.ts';

export class GradientClip {
  /** Global norm of the gradients that were measured last, before clipping: one number. */
  readonly norm: Tensor;
  /** What to multiply gradients with, or −1: one number. */
  readonly factor: Tensor;
  private readonly slab: Slab;
  private readonly maxNorm: number;
  private readonly scaler: GradScaler | undefined;
  private readonly partials: Tensor;

  /** `maxNorm` 0 clips nothing. `scaler` is what the loss was scaled with, if it was. */
  constructor(slab: Slab, maxNorm: number, scaler?: GradScaler) {
    const { engine, segments } = slab;
    const own = (shape: readonly number[]) => engine.keep(engine.zeros(shape));
    this.slab = slab;
    this.maxNorm = maxNorm;
    this.scaler = scaler;
    this.partials = own([segments.reduce((total, { values }) => total + sumSquaresPartials(values.size), 0)]);
    this.norm = own([1]);
    this.factor = own([1]);
  }

  /** Records the norm and the factor of the gradients as they are now, and what the next scale is. */
  measure(): void {
    const { engine, segments } = this.slab;
    const { partials, norm, factor, maxNorm, scaler } = this;
    engine.scope(() => {
      let offset = 0;
      for (const { gradients: x } of segments) {
        const count = sumSquaresPartials(x.size);
        const part = engine.share(partials.storage, [count], 'f32', 4 * offset);
        engine.run(sumSquares, { rows: 1, count: x.size }, { x, partials: part });
        offset += count;
      }
    });
    const problem = { count: partials.size, maxNorm, scaled: scaler !== undefined };
    engine.run(clipFactor, problem, { partials, scale: scaler?.scale, norm, factor });
    scaler?.update(factor);
  }

  dispose(): void {
    for (const tensor of [this.partials, this.norm, this.factor]) tensor.dispose();
  }
}
