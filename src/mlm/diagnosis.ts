/** Finds out where a step went wrong: the first tensor with a value that is not a finite number. */
import type { Tensor } from '../autograd/index.ts';
import type { Slab } from '../nn/index.ts';
import type { Batch } from './batch.ts';
import type { TrainingStep } from './step.ts';

/**
 * Does a step's forward and backward pass once more, without an update, and looks at every tensor in the order in which
 * they come about: weights, outputs of operations, gradients. Slow: all of them are read back.
 */
export async function firstNonFinite(
  step: TrainingStep,
  slab: Slab,
  batches: readonly Batch[],
  number: number,
): Promise<string> {
  const weight = await firstParameter(slab);
  if (weight) return `the weight ${weight}`;
  slab.zeroGrad();
  for (let micro = 0; micro < batches.length; micro++) {
    const output = await firstOutput(slab, () => step.accumulate(batches, number, micro));
    if (output) return output;
  }
  const gradient = await firstParameter(
    slab,
    slab.segments.map((segment) => segment.gradients),
  );
  return gradient ? `the gradient of ${gradient}` : 'the norm of the gradients, each of which is finite';
}

/** The last parameter, hence the first that backward reaches, with such a value. */
async function firstParameter(slab: Slab, flat?: readonly Tensor[]): Promise<string | undefined> {
  const values = await slab.read(flat);
  return [...values.keys()].find((name) => !allFinite(values.get(name) as Float32Array));
}

/** Names the first output of an operation that `body` runs. */
async function firstOutput(slab: Slab, body: () => void): Promise<string | undefined> {
  const { engine } = slab;
  const outputs: { name: string; copy: Tensor }[] = [];
  engine.inspect = (op, output) => {
    if (output.dtype !== 'f32') return;
    const place = engine.path.split('/').slice(1).join('/');
    const name = `the output of ${op}${place && ` in ${place}`}, [${output.shape.join(', ')}]`;
    outputs.push({ name, copy: engine.keep(engine.copyOf(output)) });
  };
  try {
    body();
  } finally {
    engine.inspect = undefined;
  }
  try {
    for (const { name, copy } of outputs) {
      if (!allFinite((await copy.data()) as Float32Array)) return name;
    }
    return undefined;
  } finally {
    for (const { copy } of outputs) copy.dispose();
  }
}

function allFinite(values: Float32Array): boolean {
  return values.every(Number.isFinite);
}
