/** The engine: a device, the kernels on it, the scopes that own its memory and the tape that records gradients. */
import {
  type BufferView,
  ClozeError,
  Device,
  type DeviceOptions,
  type MemoryStatistics,
} from '../gpu/index.ts';
import { cast } from '../kernels/cast.ts';
import { type ElementType, type KernelSpec, Launcher, type NumberArray } from '../kernels/index.ts';
import { requireHalf } from '../kernels/launcher.ts';
import { byteLength } from '../kernels/spec.ts';
import { Autocast } from './autocast.ts';
import { type CapturedStep, type CaptureInputs, capture } from './capture.ts';
import { Scope, tensorsIn } from './scope.ts';
import { Storage } from './storage.ts';
import { Tape } from './tape.ts';
import { type FloatType, type Shape, Tensor } from './tensor.ts';

/** Numbers, nested to any depth: `[[1, 2], [3, 4]]`. */
export type Nested = number | readonly Nested[];

export class Engine {
  readonly device: Device;
  readonly launcher: Launcher;
  readonly tape = new Tape();
  /** The number 1, a scalar: where gradients begin. */
  readonly one: Tensor;
  /** When set, called when a scope or a span begins; what it returns is called when that ends. For tracing. */
  observeSpan: ((name: string) => () => void) | undefined;
  /** When set, called with every op's name and output as it is recorded: for debugging and for hunting NaN. */
  inspect: ((op: string, output: Tensor) => void) | undefined;
  /** When set, captured steps run their function every time, as they do while `inspect` is set: for debugging. */
  eager = false;
  private readonly scopes: Scope[] = [];
  private casts: Autocast | undefined;
  private dropoutState: Tensor | undefined;
  private readonly constants = new Map<string, Tensor>();

  /** Opens a device and an engine on it. Throws `no-adapter` when no GPU and no software adapter is found. */
  static async open(options: DeviceOptions = {}): Promise<Engine> {
    return new Engine(await Device.open(options));
  }

  /** Works on a GPUDevice that someone else made, and never destroys it. */
  static from(gpu: GPUDevice): Engine {
    return new Engine(Device.from(gpu));
  }

  /** An engine with the same choices of kernels on a device that computes nothing, see `Device.dryTwin`. */
  dryTwin(): Engine {
    const twin = new Engine(this.device.dryTwin());
    twin.launcher.tuning = this.launcher.tuning;
    for (const [kernel, variant] of this.launcher.overrides) twin.launcher.overrides.set(kernel, variant);
    return twin;
  }

  constructor(device: Device) {
    this.device = device;
    this.launcher = new Launcher(device);
    this.one = this.tensor(1);
  }

  /**
   * A tensor from numbers: nested arrays (`[[1, 2], [3, 4]]`), or a flat array with a shape. Element type f32 unless
   * given, or unless the data is a Uint32Array or Int32Array. Throws `shape` when the numbers do not fill the shape.
   */
  tensor(data: NumberArray | Nested, shape?: Shape, dtype?: ElementType): Tensor {
    const flat = ArrayBuffer.isView(data) ? data : flatten(data);
    const type = dtype ?? (data instanceof Uint32Array ? 'u32' : data instanceof Int32Array ? 'i32' : 'f32');
    const tensor = this.empty(shape ?? (ArrayBuffer.isView(data) ? [flat.length] : nestedShape(data)), type);
    tensor.write(Array.isArray(flat) ? Float64Array.from(flat) : flat);
    return tensor;
  }

  /** A tensor whose content is undefined until a kernel writes it. */
  empty(shape: Shape, dtype: ElementType = 'f32'): Tensor {
    const size = shape.reduce((product, axis) => product * axis, 1);
    if (!shape.every((axis) => Number.isInteger(axis) && axis >= 0)) {
      throw new ClozeError('shape', `[${shape.join(', ')}] is not a shape: axes are whole numbers from 0`);
    }
    return this.own(
      new Tensor(
        this,
        shape,
        dtype,
        new Storage(this.device, byteLength(dtype, size), `[${shape.join(', ')}]`),
      ),
    );
  }

  /** A tensor of zeros. */
  zeros(shape: Shape, dtype: ElementType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype);
    this.device.clear(tensor.view);
    return tensor;
  }

  /** A tensor filled with one number. */
  full(shape: Shape, value: number, dtype: ElementType = 'f32'): Tensor {
    const tensor = this.empty(shape, dtype);
    tensor.write(new Float64Array(tensor.size).fill(value));
    return tensor;
  }

  /** A copy in memory of its own, outside the tape; of another float type if asked. */
  copyOf(source: Tensor, dtype = source.dtype): Tensor {
    source.check('copyOf');
    const copy = this.empty(source.shape, dtype);
    if (dtype === source.dtype) this.device.copy(source.view, copy.view);
    else this.run(cast, { count: source.size }, { x: source, y: copy });
    return copy;
  }

  /** A tensor that shares memory with others; it belongs to the current scope. */
  share(storage: Storage, shape: Shape, dtype: ElementType, offset: number): Tensor {
    return this.own(new Tensor(this, shape, dtype, storage.retain(), offset));
  }

  /**
   * Records a kernel over tensors, given by binding name. Those of f16 are read and written as such. Throws `dtype` when
   * the kernel wants f32 for one of them, or the adapter has no f16.
   */
  run<P extends object>(
    spec: KernelSpec<P>,
    problem: P,
    tensors: Readonly<Record<string, Tensor | undefined>>,
  ): void {
    const views: Record<string, BufferView> = {};
    const f16: string[] = [];
    for (const name in tensors) {
      const tensor = tensors[name];
      if (!tensor) continue;
      tensor.check(spec.name);
      views[name] = tensor.view;
      if (tensor.dtype === 'f16') f16.push(name);
    }
    this.launcher.run(spec, f16.length > 0 ? { ...problem, f16 } : problem, views);
  }

  /**
   * Runs `body` and frees every tensor made inside that it neither returns nor keeps. Leaving the outermost scope
   * also forgets what the tape still holds. `body` is synchronous: a tensor must not outlive its scope in a promise.
   */
  scope<T>(body: () => T, name = 'scope'): T {
    const scope = this.openScope(name);
    try {
      const result = body();
      if (result instanceof Promise) {
        throw new ClozeError(
          'autograd',
          'engine.scope() takes a synchronous function',
          'Use `using` with openScope()',
        );
      }
      const parent = this.scopes.at(-2);
      for (const tensor of tensorsIn(result)) if (scope.remove(tensor)) parent?.add(tensor);
      return result;
    } finally {
      this.closeScope(scope);
    }
  }

  /** Opens a scope by hand: `using scope = engine.openScope()` frees what is made until the block ends. */
  openScope(name = 'scope'): Scope {
    const scope = new Scope(name, (closing) => this.closeScope(closing), this.observeSpan?.(name));
    this.scopes.push(scope);
    return scope;
  }

  /** Runs `body` under a name that a trace shows; a promise that it returns counts until it is settled. */
  span<T>(name: string, body: () => T): T {
    const ended = this.observeSpan?.(name);
    if (!ended) return body();
    let result: T | undefined;
    try {
      result = body();
      return result instanceof Promise ? (result.finally(ended) as T) : result;
    } finally {
      if (!(result instanceof Promise)) ended();
    }
  }

  /** Takes a tensor, or all inside a value, out of their scopes; they live until they are disposed. Returns the value. */
  keep<T>(value: T): T {
    for (const tensor of tensorsIn(value)) for (const scope of this.scopes) scope.remove(tensor);
    return value;
  }

  /**
   * A function over tensors whose GPU work is recorded at its second call and replayed from the third on: the same
   * bits, without running the function. `inputs` are tensors or indices by name, the same ones at every call, with
   * contents written before it; the outputs are the same tensors at every call and hold until the next. `name` stands
   * in error messages. Throws `capture` when the function or a call does what a replay could not repeat; see
   * `capture.ts` for the rules.
   */
  capture<I extends CaptureInputs, O>(body: (inputs: I) => O, name = 'step'): CapturedStep<I, O> {
    return capture(this, body, name);
  }

  /**
   * Runs `body` in mixed precision: with `f16`, operations store what they compute in half the memory, see `autocast.ts`. Only
   * the forward pass belongs inside; `backward` follows the types it finds. Small gradients vanish in f16 unless the loss is
   * scaled, see `GradScaler`. Throws `dtype` where the adapter has no f16. With `f32`, which is the default, all is as usual.
   */
  autocast<T>(dtype: FloatType, body: () => T): T {
    if (dtype === 'f16') requireHalf(this.device.capabilities);
    const before = this.casts;
    this.casts = dtype === 'f16' ? new Autocast(this) : undefined;
    try {
      return body();
    } finally {
      this.casts?.dispose();
      this.casts = before;
    }
  }

  /** An operand of a product as {@link autocast} wants it; for operations, which save it and give gradients of the original. */
  operand(x: Tensor): Tensor {
    return this.casts?.operand(x) ?? x;
  }

  /** The type of what an operation makes from a table of this type. */
  activationType(dtype: FloatType): FloatType {
    return this.casts ? 'f16' : dtype;
  }

  /** Runs `body` without recording gradients. */
  noGrad<T>(body: () => T): T {
    const before = this.tape.recording;
    this.tape.recording = false;
    try {
      return body();
    } finally {
      this.tape.recording = before;
    }
  }

  /** The words [seed, step] from which dropout draws; `seed()` sets them before each step. */
  get randomState(): Tensor {
    this.dropoutState ??= this.keep(this.tensor(new Uint32Array(2)));
    return this.dropoutState;
  }

  /** Sets what dropout draws from now on: the same seed and step give the same masks. */
  seed(seed: number, step = 0): void {
    this.randomState.write(Uint32Array.of(seed, step));
  }

  /** Names of the open scopes, outermost first: where in a model the current op stands. */
  get path(): string {
    return this.scopes.map((scope) => scope.name).join('/');
  }

  memory(): MemoryStatistics {
    return this.device.memory();
  }

  /**
   * A tensor that never changes and whose content follows from its name: made when first asked for, then kept
   * while the engine lives.
   */
  constant(name: string, shape: Shape, make: () => NumberArray): Tensor {
    let tensor = this.constants.get(name);
    if (!tensor) {
      tensor = this.keep(this.tensor(make(), shape));
      this.constants.set(name, tensor);
    }
    return tensor;
  }

  /** Submits what was recorded. */
  flush(): void {
    this.device.flush();
  }

  close(): void {
    this.device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private own(tensor: Tensor): Tensor {
    this.scopes.at(-1)?.add(tensor);
    return tensor;
  }

  private closeScope(scope: Scope): void {
    const at = this.scopes.lastIndexOf(scope);
    if (at < 0) return;
    for (const inner of this.scopes.splice(at)) inner.release();
    if (at === 0) this.tape.clear();
  }
}

function flatten(data: Nested, into: number[] = []): number[] {
  if (typeof data === 'number') into.push(data);
  else for (const item of data) flatten(item, into);
  return into;
}

function nestedShape(data: Nested): number[] {
  if (typeof data === 'number') return [];
  const inner = data.length > 0 ? nestedShape(data[0]) : [];
  for (const item of data) {
    if (nestedShape(item).join() !== inner.join()) {
      throw new ClozeError('shape', 'nested arrays must be regular: all rows of one length');
    }
  }
  return [data.length, ...inner];
}
