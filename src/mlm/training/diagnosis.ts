/** Finds out where a step went wrong: the first tensor with a value that is not a finite number. */
import type { Engine, Tensor } from '../../autograd/index.ts';
import type { Batch } from '../data/batch.ts';
import type { TrainingStep } from './step.ts';

/**
 * Does a step's forward and backward pass once more, without an update, and looks at every tensor in the order in which
 * they come about: weights, outputs of operations, gradients. Slow: all of them are read back.
 */
export async function firstNonFinite(
  step: TrainingStep,
  batches: readonly Batch[],
  number: number,
): Promise<string> {
  const { trainee, slab } = step;
  const { engine, segments } = slab;
  const names = [...trainee.model.namedParameters()].map(([name]) => name);

  const weights = await slab.read();
  const weight = names.find((name) => !allFinite(weights.get(name)));
  if (weight) return `the weight ${weight}`;

  slab.zeroGrad();
  for (let micro = 0; micro < batches.length; micro++) {
    const output = await firstOutput(engine, () => step.accumulate(batches, number, micro));
    if (output) return output;
  }

  const gradients = await slab.read(segments.map((segment) => segment.gradients));
  const gradient = names.reverse().find((name) => !allFinite(gradients.get(name)));
  return gradient ? `the gradient of ${gradient}` : 'the norm of the gradients, each of which is finite';
}

/** Names the first output of an operation that `body` runs. */
async function firstOutput(engine: Engine, body: () => void): Promise<string | undefined> {
  const outputs: { name: string; copy: Tensor }[] = [];
  engine.inspect = (op, output) => {
    if (output.dtype !== 'f32' && output.dtype !== 'f16') return;
    const [, , ...inside] = engine.path.split('/');
    const name = `the output of ${[...inside, op].join('/')}, [${output.shape.join(', ')}]`;
    outputs.push({ name, copy: engine.keep(engine.copyOf(output)) });
  };
  try {
    engine.scope(body);
  } finally {
    engine.inspect = undefined;
  }
  try {
    for (const { name, copy } of outputs) {
      if (!allFinite(await copy.data())) return name;
    }
    return undefined;
  } finally {
    for (const { copy } of outputs) copy.dispose();
  }
}

function allFinite(values: ArrayLike<number> = []): boolean {
  return Array.prototype.every.call(values, Number.isFinite);
}
