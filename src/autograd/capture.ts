/**
 * Capture and replay: the GPU work of a function, recorded once and run again without the function. A training step
 * issues the same kernels over the same buffers every time; only what is in some of them differs. Replaying spares
 * the shape checks, tensors, tape and launches between them.
 *
 * The function runs as usual when it is first called, so that whatever is made once (tables, constants, first gradients,
 * pipelines) is made outside the recording; the second call runs and is recorded; from the third on it is not called.
 *
 * The rules, all of them enforced:
 * - What differs between calls is in tensors that are written before the call. Inside, nothing is uploaded, read or
 *   waited for, and the function is synchronous.
 * - The inputs are the same tensors every time, with new contents.
 * - The outputs are the same tensors every time. They belong to the captured step and hold until its next call: read or
 *   copy them before.
 * - A tensor from outside that the work uses (a parameter, its gradient) lives as long as the captured step.
 * - `backward` stands inside, and every leaf has a gradient to add to before the recording.
 *
 * What the function decides on the CPU (shapes, variants of kernels, numbers it closes over, train or eval mode) stays what it was
 * when it was recorded.
 */
import { ClozeError, type Recording } from '../gpu/index.ts';
import type { Engine } from './engine.ts';
import type { Indices } from './indices.ts';
import { tensorsIn } from './scope.ts';
import type { Tensor } from './tensor.ts';

/** An input that is undefined is one that the function does without. */
type CaptureInput = Tensor | Indices | Readonly<Record<string, Tensor | Indices>> | undefined;
export type CaptureInputs = Readonly<Record<string, CaptureInput>>;

/** A function over tensors, replayed where it can be; see `Engine.capture`. */
export interface CapturedStep<I extends CaptureInputs, O> extends Disposable {
  (inputs: I): O;
  /** Frees the outputs and all memory kept for replays. */
  dispose(): void;
}

interface Made<O> {
  outputs: O;
  /** Tensors among the outputs that the function made itself. */
  owned: readonly Tensor[];
}

export function capture<I extends CaptureInputs, O>(
  engine: Engine,
  body: (inputs: I) => O,
  name: string,
): CapturedStep<I, O> {
  const captured = new Capture(engine, body, name);
  const dispose = () => captured.dispose();
  return Object.assign((inputs: I) => captured.call(inputs), { dispose, [Symbol.dispose]: dispose });
}

class Capture<I extends CaptureInputs, O> {
  private readonly engine: Engine;
  private readonly body: (inputs: I) => O;
  private readonly name: string;
  private warm = false;
  private disposed = false;
  /** What the last call made that was not a replay. */
  private passing: Made<O> | undefined;
  private recorded: (Made<O> & { inputs: I; recording: Recording }) | undefined;

  constructor(engine: Engine, body: (inputs: I) => O, name: string) {
    this.engine = engine;
    this.body = body;
    this.name = name;
  }

  call(inputs: I): O {
    const { engine } = this;
    if (this.disposed) throw this.refuse('it was disposed', 'Capture anew');
    // Part of another captured step, it is recorded with that one.
    if (engine.device.recording) return this.body(inputs);
    free(this.passing);
    this.passing = undefined;
    if (engine.eager || engine.inspect || !this.warm) {
      this.passing = this.run(inputs);
      this.warm = true;
      return this.passing.outputs;
    }
    if (this.recorded) this.replay(inputs, this.recorded);
    else this.recorded = this.record(inputs);
    return this.recorded.outputs;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    free(this.passing);
    free(this.recorded);
    if (this.recorded) this.engine.device.forget(this.recorded.recording);
  }

  private record(inputs: I) {
    const { result, recording } = this.engine.device.record(this.name, () => this.run(inputs));
    return { ...result, inputs: { ...inputs }, recording };
  }

  private replay(inputs: I, { inputs: known, owned, recording }: NonNullable<typeof this.recorded>): void {
    for (const name of new Set([...Object.keys(known), ...Object.keys(inputs)])) {
      this.checkInput(name, inputs[name], known[name]);
    }
    const freed = owned.find((tensor) => tensor.isDisposed);
    if (freed) {
      throw this.refuse(
        `its output ${freed} was freed`,
        'Outputs belong to the captured step; copy what is to be kept',
      );
    }
    this.engine.span(`${this.name}, replayed`, () => this.engine.device.replay(recording));
  }

  private checkInput(name: string, given: CaptureInput, known: CaptureInput): void {
    if (given === known) {
      for (const tensor of tensorsIn(given)) {
        if (tensor.isDisposed) throw this.refuse(`its input ${name}, ${tensor}, was freed`, 'Capture anew');
      }
      return;
    }
    if (!given || !known || `${given}` !== `${known}`) {
      const was = (input: CaptureInput) => (input ? `${input}` : 'missing');
      throw this.refuse(
        `its input ${name} is ${was(given)}, and was ${was(known)} when it was recorded`,
        'Capture one step for each set of shapes',
      );
    }
    throw this.refuse(
      `its input ${name} is another tensor of ${given} than the one recorded`,
      'Write the new contents into that one',
    );
  }

  /** Runs the function in a scope of its own, from which the outputs are kept. */
  private run(inputs: I): Made<O> {
    const { engine } = this;
    const { length } = engine.tape;
    const scope = engine.openScope(this.name);
    try {
      const outputs = this.body(inputs);
      if (outputs instanceof Promise) {
        throw this.refuse('its function returns a promise', 'Read what it returns after the call');
      }
      if (engine.tape.length > length) {
        throw this.refuse(
          'its operations still wait for backward() when it ends',
          'Call backward() inside, or use engine.noGrad()',
        );
      }
      return { outputs, owned: [...tensorsIn(outputs)].filter((tensor) => scope.remove(tensor)) };
    } finally {
      scope[Symbol.dispose]();
    }
  }

  private refuse(what: string, remedy: string): ClozeError {
    return new ClozeError('capture', `the captured step "${this.name}" cannot go on: ${what}`, remedy);
  }
}

function free(made: Made<unknown> | undefined): void {
  for (const tensor of made?.owned ?? []) tensor.dispose();
}
