/**
 * The tape: a list of the operations that led to the loss, each with the rule that turns the gradient of its output
 * into gradients of its inputs (its vector-Jacobian product). `backward` walks the list in reverse, once, and frees
 * what each operation had saved as it passes it.
 */
import { ClozeError } from '../gpu/index.ts';
import { accumulate } from '../kernels/accumulate.ts';
import type { Engine } from './engine.ts';
import { isFloat } from './shape.ts';
import type { Tensor } from './tensor.ts';

type Rule<G> = (
  gradient: G,
  saved: readonly Tensor[],
  needs: readonly boolean[],
  totals: readonly (Tensor | undefined)[],
) => readonly (Tensor | undefined)[];

/**
 * Gradients of an op's inputs, in their order, undefined where `needs` is false. `saved` are the tensors named in
 * `save`; all other tensors made inside are freed when the rule returns.
 *
 * `totals` are the gradients that leaves among the inputs have gathered so far. A rule may add to one in place, which
 * spares a tensor and a kernel: it then returns that very tensor. A rule that does not simply ignores them.
 */
export type Vjp = Rule<Tensor>;

/** The same of an op with several outputs; the gradient is undefined of those that the loss does not depend on. */
export type VjpOfMany = Rule<readonly (Tensor | undefined)[]>;

export interface Derivative<V = Vjp> {
  /** Tensors the rule will need; held until backward has passed. */
  save: readonly Tensor[];
  vjp: V;
}

interface Entry {
  op: string;
  inputs: readonly Tensor[];
  needs: readonly boolean[];
  outputs: readonly Tensor[];
  saved: readonly Tensor[];
  vjp: VjpOfMany;
}

export class Tape {
  /** False while gradients are computed, and inside `engine.noGrad`. */
  recording = true;
  private entries: Entry[] = [];

  get length(): number {
    return this.entries.length;
  }

  push(
    op: string,
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    derivative: Derivative<VjpOfMany>,
  ): void {
    this.entries.push({
      op,
      inputs,
      needs: inputs.map((input) => input.requiresGrad),
      outputs,
      saved: derivative.save.map((tensor) => tensor.alias()),
      vjp: derivative.vjp,
    });
  }

  /** Forgets everything recorded and frees what was saved. */
  clear(): void {
    this.rewind(0);
  }

  /** Forgets what was recorded after the first `length` operations and frees what they had saved. */
  rewind(length: number): void {
    for (const entry of this.entries.splice(length)) release(entry);
  }

  /** Runs `body` with gradients recorded, as within a rule. */
  record<T>(body: () => T): T {
    const before = this.recording;
    this.recording = true;
    try {
      return body();
    } finally {
      this.recording = before;
    }
  }

  /**
   * Adds d(loss)/d(leaf) to `grad` of every leaf that requires it. `loss` is a scalar, unless its gradient is given.
   * The tape is used up. Returns the gradient of `input`, a tensor that is no leaf and that no recorded operation made.
   */
  backward(engine: Engine, loss: Tensor, gradient?: Tensor, input?: Tensor): Tensor | undefined {
    if (!loss.requiresGrad) {
      throw new ClozeError(
        'autograd',
        `backward() needs a loss that depends on a tensor with requiresGrad, and ${loss} does not`,
      );
    }
    if (!gradient && loss.size !== 1) {
      throw new ClozeError('autograd', `backward() needs a scalar loss, or a gradient for ${loss}`);
    }
    const gradients = new Map<number, Tensor>();
    return engine.noGrad(() =>
      engine.scope(() => {
        const seed = gradient ?? engine.share(engine.one.storage, loss.shape, 'f32', 0);
        if (loss.isLeaf) addToLeaf(engine, loss, seed);
        else gradients.set(loss.id, seed.alias());
        const entries = this.entries;
        this.entries = [];
        try {
          for (let entry = entries.at(-1); entry; entry = entries.at(-1)) {
            const arrived = entry.outputs.map(({ id }) => {
              const gradient = gradients.get(id);
              gradients.delete(id);
              return gradient;
            });
            if (arrived.some(Boolean)) this.step(engine, entry, arrived, gradients);
            release(entry);
            entries.pop();
          }
          return input && gradients.get(input.id)?.alias();
        } finally {
          for (const entry of entries) release(entry);
          for (const gradient of gradients.values()) gradient.dispose();
        }
      }, 'backward'),
    );
  }

  private step(
    engine: Engine,
    entry: Entry,
    arrived: readonly (Tensor | undefined)[],
    gradients: Map<number, Tensor>,
  ): void {
    const { op, inputs, needs, saved, vjp } = entry;
    // Handles of their own, since what a rule returns is disposed.
    const totals = inputs.map((input, i) => (needs[i] && input.isLeaf ? input.grad?.alias() : undefined));
    let made: readonly (Tensor | undefined)[] = [];
    try {
      made = engine.scope(() => vjp(arrived, saved, needs, totals), op);
      inputs.forEach((input, i) => {
        const part = made[i];
        if (!needs[i] || (part && part === totals[i])) return;
        checkGradient(entry, i, part);
        if (input.isLeaf) addToLeaf(engine, input, part);
        else gradients.set(input.id, sum(engine, gradients.get(input.id), part, input));
      });
    } finally {
      for (const tensor of [...made, ...totals, ...arrived]) tensor?.dispose();
    }
  }
}

/** Records an op whose inputs want gradients; returns the output. Without a derivative it throws at once. */
export function record(
  op: string,
  inputs: readonly Tensor[],
  output: Tensor,
  derivative: Derivative | undefined,
): Tensor {
  recordAll(
    op,
    inputs,
    [output],
    derivative && {
      save: derivative.save,
      vjp: ([gradient], ...rest) => derivative.vjp(gradient as Tensor, ...rest),
    },
  );
  return output;
}

/** Records an op with several outputs, all of which gradients may reach. */
export function recordAll(
  op: string,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  derivative: Derivative<VjpOfMany> | undefined,
): void {
  const { engine } = outputs[0];
  for (const output of outputs) engine.inspect?.(op, output);
  if (!engine.tape.recording || !inputs.some((input) => input.requiresGrad)) return;
  if (!derivative) {
    throw new ClozeError(
      'autograd',
      `${op} has no gradient, and its input requires one`,
      'Call it inside engine.noGrad()',
    );
  }
  for (const output of outputs) {
    output.requiresGrad = true;
    output.isLeaf = false;
  }
  engine.tape.push(op, inputs, outputs, derivative);
}

/** Computes the gradients of a loss; see {@link Tape.backward}. */
export function backward(loss: Tensor, gradient?: Tensor): void {
  loss.engine.tape.backward(loss.engine, loss, gradient);
}

function release(entry: Entry): void {
  for (const tensor of entry.saved) tensor.dispose();
}

/**
 * `total + part`, in place where nobody else holds the total, in the type of the tensor that it belongs to. Both are owned
 * by the tape or aliased here.
 */
function sum(engine: Engine, total: Tensor | undefined, part: Tensor, { dtype }: Tensor): Tensor {
  if (!total) return part.dtype === dtype ? part.alias() : engine.keep(engine.copyOf(part, dtype));
  const target = total.storage.shared ? engine.copyOf(total) : total;
  engine.run(accumulate, { count: part.size }, { source: part, destination: target });
  if (target === total) return total;
  total.dispose();
  return engine.keep(target);
}

function addToLeaf(engine: Engine, leaf: Tensor, part: Tensor): void {
  if (leaf.grad) {
    engine.run(accumulate, { count: part.size }, { source: part, destination: leaf.grad });
    return;
  }
  const { recording } = engine.device;
  if (recording) {
    throw recording.refuse(
      `a parameter of ${leaf} gets its first gradient in it, which a replay would overwrite instead of adding to it`,
      'Set its grad to zeros before the call',
    );
  }
  const free = part.dtype === leaf.dtype && !part.storage.shared;
  leaf.grad = free ? part.alias() : engine.keep(engine.copyOf(part, leaf.dtype));
}

function checkGradient(entry: Entry, i: number, part: Tensor | undefined): asserts part is Tensor {
  const wanted = entry.inputs[i];
  if (part && isFloat(part) && part.shape.join() === wanted.shape.join()) return;
  throw new ClozeError(
    'autograd',
    `the gradient rule of ${entry.op} returned ${part ?? 'nothing'} for input ${i}, which is ${wanted}`,
  );
}
