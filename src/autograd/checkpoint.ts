/**
 * Gradient checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016): what a part of a model saves for
 * its gradient is given up at once and computed again when backward comes to it. The memory is that of one part at a time,
 * at the price of a second forward pass.
 */
import type { Tensor } from './tensor.ts';

/**
 * body(x), whose insides are computed again in backward. Gradients flow to `x` and to all leaves that `body` uses, in the same
 * bits as without: dropout draws the same masks again, and mixed precision is what it was. `body` must do the same both
 * times, and depend on no other tensor that wants a gradient and is no leaf.
 */
export function checkpoint(body: (x: Tensor) => Tensor, x: Tensor): Tensor {
  const { engine } = x;
  const { tape } = engine;
  if (!tape.recording) return body(x);
  const dtype = engine.activationType('f32');
  const { length } = tape;
  const y = engine.scope(() => body(x), 'checkpoint');
  tape.rewind(length);
  if (!y.requiresGrad) return y;
  tape.push('checkpoint', [x], [y], {
    save: [x],
    vjp: ([gradient], [saved], [wanted]) => {
      const input = saved.alias();
      try {
        input.requiresGrad = wanted;
        input.isLeaf = false;
        const again = tape.record(() => engine.autocast(dtype, () => body(input)));
        return [tape.backward(engine, again, gradient, input)];
      } finally {
        input.dispose();
      }
    },
  });
  return y;
}
