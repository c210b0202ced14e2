import { checkFloat } from '../shape.ts';
import { record } from '../tape.ts';
import type { FloatType, Tensor } from '../tensor.ts';

/**
 * x in another float type: f16 takes half the memory, holds about three decimals, and nothing above 65,504. x itself where it
 * is of that type. Throws `dtype` for whole numbers, and where the adapter has no f16. The gradient is cast back.
 */
export function cast(x: Tensor, dtype: FloatType): Tensor {
  checkFloat('cast', x);
  if (x.dtype === dtype) return x;
  return record('cast', [x], x.engine.copyOf(x, dtype), {
    save: [],
    vjp: (dy) => [x.engine.copyOf(dy, x.dtype)],
  });
}
