/**
 * Initial values for parameters. Each function fills an array in place and returns it; what it draws depends on the
 * generator alone, so a model is a pure function of its seed. Names and defaults are those of torch.nn.init.
 */
import { ClozeError } from '../gpu/errors.ts';
import type { Random } from '../kernels/random.ts';

export function zeros(values: Float32Array): Float32Array {
  return values.fill(0);
}

export function ones(values: Float32Array): Float32Array {
  return values.fill(1);
}

/** Uniform from `low` to `high`. */
export function uniform(values: Float32Array, random: Random, low = 0, high = 1): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * random.uniform();
  return values;
}

export function normal(values: Float32Array, random: Random, mean = 0, std = 1): Float32Array {
  for (let i = 0; i < values.length; i++) values[i] = mean + std * random.normal();
  return values;
}

/**
 * Normal, with draws further than 2 `std` from the mean drawn again, as BERT initialises its weights. The values'
 * own standard deviation is 0.8796 `std`.
 */
export function truncatedNormal(values: Float32Array, random: Random, mean = 0, std = 1): Float32Array {
  for (let i = 0; i < values.length; i++) {
    let z = random.normal();
    while (Math.abs(z) > 2) z = random.normal();
    values[i] = mean + std * z;
  }
  return values;
}

/**
 * Uniform within ± gain · sqrt(6 / (fanIn + fanOut)), which keeps the variance of activations and of gradients level:
 * Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010. `shape` is
 * that of a weight, [out, in]. Throws for any other number of axes.
 */
export function xavierUniform(
  values: Float32Array,
  random: Random,
  shape: readonly number[],
  gain = 1,
): Float32Array {
  if (shape.length !== 2) {
    throw new ClozeError(
      'shape',
      `xavierUniform needs a shape [out, in], not [${shape}]`,
      'Use uniform or normal.',
    );
  }
  const bound = gain * Math.sqrt(6 / (shape[0] + shape[1]));
  return uniform(values, random, -bound, bound);
}
