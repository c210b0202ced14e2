/**
 * The global norm of a slab's gradients, and the factor that clips them to it. Both stay on the GPU, where an
 * optimiser's kernels read the factor: −1 tells them that the norm is not finite and that nothing may change.
 */
import type { Tensor } from '../autograd/index.ts';
import { clipFactor, sumSquares, sumSquaresPartials } from '../kernels/index.ts';
import type { Slab } from './slab.ts';

export class GradientClip {
  /** Global norm of the gradients that were measured last, before clipping: one number. */
  readonly norm: Tensor;
  /** What to multiply gradients with, or −1: one number. */
  readonly factor: Tensor;
  private readonly slab: Slab;
  private readonly maxNorm: number;
  private readonly partials: Tensor;

  /** `maxNorm` 0 clips nothing. */
  constructor(slab: Slab, maxNorm: number) {
    const { engine, segments } = slab;
    const own = (shape: readonly number[]) => engine.keep(engine.zeros(shape));
    this.slab = slab;
    this.maxNorm = maxNorm;
    this.partials = own([segments.reduce((total, { values }) => total + sumSquaresPartials(values.size), 0)]);
    this.norm = own([1]);
    this.factor = own([1]);
  }

  /** Records the norm and the factor of the gradients as they are now. */
  measure(): void {
    const { engine, segments } = this.slab;
    const { partials, norm, factor, maxNorm } = this;
    engine.scope(() => {
      let offset = 0;
      for (const { gradients: x } of segments) {
        const count = sumSquaresPartials(x.size);
        const part = engine.share(partials.storage, [count], 'f32', 4 * offset);
        engine.run(sumSquares, { rows: 1, count: x.size }, { x, partials: part });
        offset += count;
      }
    });
    engine.run(clipFactor, { count: partials.size, maxNorm }, { partials, norm, factor });
  }

  dispose(): void {
    for (const tensor of [this.partials, this.norm, this.factor]) tensor.dispose();
  }
}
