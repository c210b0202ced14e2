/**
 * Mixed precision, as PyTorch's autocast does it: parameters, their gradients and all sums stay f32, while what an
 * operation multiplies, and what it hands on, is stored as f16. The operations cast by themselves; modules and models do
 * not know of it.
 *
 * In it, products (`linear`, `matmul`, `attention`, `linearCrossEntropy`) take their operands in f16, and `embedding` reads
 * its table as it is and gives f16. What follows goes on in the type that arrives; of two types, f32 wins. Statistics of
 * norms, sums over axes, biases and losses are f32 throughout.
 */
import type { Engine } from './engine.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

export class Autocast {
  private readonly engine: Engine;
  /** f16 copies of the memory that parameters share. */
  private readonly copies = new Map<Storage, Tensor>();
  private readonly slices = new Map<Tensor, Tensor>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /**
   * x in f16. A parameter is cast once, together with all that share its memory: those of a slab's segment in one kernel.
   * Other tensors get a copy in the current scope.
   */
  operand(x: Tensor): Tensor {
    if (x.dtype !== 'f32') return x;
    if (!(x.isLeaf && x.requiresGrad) || x.view.offset % 512 !== 0) return this.engine.copyOf(x, 'f16');
    let slice = this.slices.get(x);
    if (!slice) {
      const { storage } = this.copyOf(x.storage);
      slice = this.engine.keep(this.engine.share(storage, x.shape, 'f16', x.view.offset / 2));
      this.slices.set(x, slice);
    }
    return slice;
  }

  /** Frees the copies; the next region makes new ones, of what the parameters are then. */
  dispose(): void {
    for (const tensor of [...this.slices.values(), ...this.copies.values()]) tensor.dispose();
  }

  private copyOf(storage: Storage): Tensor {
    const { engine } = this;
    let copy = this.copies.get(storage);
    if (!copy) {
      const whole = engine.share(storage, [storage.bytes / 4], 'f32', 0);
      copy = engine.keep(engine.copyOf(whole, 'f16'));
      whole.dispose();
      this.copies.set(storage, copy);
    }
    return copy;
  }
}
