/**
 * Proves a gradient: compares what `backward` computes with finite differences of the forward pass. The output is
 * weighted with random numbers and added up in float64 on the CPU, so that only the kernels' own rounding is left.
 *
 * Differences are taken along random directions with two step sizes and extrapolated (Richardson), which removes the
 * second-order error and allows steps large enough for float32.
 */
import { ClozeError } from '../gpu/index.ts';
import { Random } from '../kernels/index.ts';
import type { Engine } from './engine.ts';
import { backward } from './tape.ts';
import type { Tensor } from './tensor.ts';

export interface GradcheckOptions {
  /** Step of the differences, relative to inputs of magnitude 1. Default 1/64. */
  step?: number;
  /** Random directions per input. Default 3. */
  directions?: number;
  /** Largest difference allowed, relative to the size of the gradient along the direction. Default 2e-3. */
  tolerance?: number;
  seed?: number;
}

export interface GradcheckResult {
  /** Largest relative difference per input. */
  errors: number[];
}

/**
 * Checks the gradient of `body` with respect to every input that requires one. `body` is called many times and must
 * be deterministic. Throws `autograd` with the input, the two derivatives and their difference when they disagree.
 */
export async function gradcheck(
  engine: Engine,
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<GradcheckResult> {
  const { step = 1 / 64, directions = 3, tolerance = 2e-3, seed = 0 } = options;
  const random = new Random(seed, 0x67726164);
  const { weights, gradients } = await analytic(engine, body, inputs, random);
  const errors = inputs.map(() => 0);
  for (let i = 0; i < inputs.length; i++) {
    const gradient = gradients[i];
    if (!gradient) continue;
    const original = Float32Array.from(await inputs[i].data());
    for (let n = 0; n < directions; n++) {
      const direction = Float64Array.from(original, () => random.normal());
      const difference = async (h: number) => {
        const up = await value(engine, body, inputs, i, original, direction, h, weights);
        const down = await value(engine, body, inputs, i, original, direction, -h, weights);
        return (up - down) / (2 * h);
      };
      const numeric = (4 * (await difference(step)) - (await difference(2 * step))) / 3;
      let exact = 0;
      let squares = 0;
      for (let k = 0; k < gradient.length; k++) {
        exact += gradient[k] * direction[k];
        squares += (gradient[k] * direction[k]) ** 2;
      }
      const error = Math.abs(exact - numeric) / Math.max(Math.sqrt(squares), 1e-3);
      errors[i] = Math.max(errors[i], error);
      if (!(error <= tolerance)) {
        inputs[i].write(original);
        throw new ClozeError(
          'autograd',
          `the gradient of input ${i} (${inputs[i]}) is ${exact} along a random direction, finite differences give ${numeric}: relative difference ${error.toExponential(2)}, allowed ${tolerance}`,
        );
      }
    }
    inputs[i].write(original);
  }
  return { errors };
}

async function analytic(
  engine: Engine,
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  random: Random,
) {
  for (const input of inputs) {
    input.grad?.dispose();
    input.grad = undefined;
  }
  const weights = engine.scope(() => {
    const output = body(...inputs);
    const values = Float32Array.from({ length: output.size }, () => random.normal());
    backward(output, engine.tensor(values, output.shape));
    return values;
  });
  const gradients: (Float64Array | undefined)[] = [];
  for (const input of inputs) {
    gradients.push(input.grad && Float64Array.from(await input.grad.data()));
    input.grad?.dispose();
    input.grad = undefined;
  }
  return { weights, gradients };
}

/** Σ weights · body(inputs) in float64, with input `i` moved by `h` along `direction`. */
async function value(
  engine: Engine,
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  i: number,
  original: Float32Array,
  direction: Float64Array,
  h: number,
  weights: Float32Array,
): Promise<number> {
  inputs[i].write(original.map((x, k) => x + h * direction[k]));
  const output = engine.noGrad(() => engine.scope(() => body(...inputs)));
  const values = await output.data();
  output.dispose();
  let total = 0;
  for (let k = 0; k < values.length; k++) total += values[k] * weights[k];
  return total;
}
