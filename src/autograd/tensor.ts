/** A tensor: a shape, an element type and a place in GPU memory. What can be done with it stands in `ops/`. */
import type { BufferView } from '../gpu/index.ts';
import { ClozeError } from '../gpu/index.ts';
import { decode, encode } from '../kernels/elementType.ts';
import type { ElementType, NumberArray } from '../kernels/index.ts';
import { byteLength } from '../kernels/spec.ts';
import type { Engine } from './engine.ts';
import type { Storage } from './storage.ts';

export type Shape = readonly number[];

export type FloatType = Extract<ElementType, 'f32' | 'f16'>;

let nextId = 1;

export class Tensor {
  readonly engine: Engine;
  readonly id = nextId++;
  readonly shape: Shape;
  readonly dtype: ElementType;
  /** Number of elements. */
  readonly size: number;
  /** Where the elements are: row-major and contiguous. */
  readonly view: BufferView;
  readonly storage: Storage;
  /** Whether `backward` computes a gradient for this tensor. */
  requiresGrad = false;
  /** False for tensors that a recorded op made; the gradient of a leaf is kept in `grad`. */
  isLeaf = true;
  /** The gradient of a leaf, added up over calls of `backward` until it is cleared. */
  grad: Tensor | undefined;
  private disposed = false;

  /** Takes over one hold on `storage`. `offset` in bytes, a multiple of 256. Made by the engine, not by users. */
  constructor(engine: Engine, shape: Shape, dtype: ElementType, storage: Storage, offset = 0) {
    this.engine = engine;
    this.shape = shape;
    this.dtype = dtype;
    this.size = shape.reduce((product, axis) => product * axis, 1);
    this.storage = storage;
    this.view = { buffer: storage.buffer, offset, size: byteLength(dtype, this.size) };
  }

  /** Reads the elements back, those of f16 as float32. One of the three asynchronous calls. */
  async data(): Promise<NumberArray> {
    this.check('data');
    const bytes = await this.engine.device.read(this.view);
    return decode(bytes, this.dtype, this.size);
  }

  /** The only element of a one-element tensor. */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new ClozeError('shape', `item() needs one element, and this tensor is ${this}`);
    return (await this.data())[0];
  }

  /** Overwrites the elements from the CPU. Throws `shape` when their number differs. */
  write(data: NumberArray): void {
    this.check('write');
    if (data.length !== this.size) {
      throw new ClozeError('shape', `${data.length} values cannot fill a tensor of ${this}`);
    }
    this.engine.device.write(this.view.buffer, this.view.offset, encode(data, this.dtype));
  }

  /** Marks a leaf as one that wants a gradient; returns the tensor. */
  requireGrad(): this {
    this.requiresGrad = true;
    return this;
  }

  /** Another handle on the same memory, belonging to no scope; the caller disposes it. */
  alias(): Tensor {
    return new Tensor(this.engine, this.shape, this.dtype, this.storage.retain(), this.view.offset);
  }

  /** Gives the memory back. A scope does this for what is made inside it. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.storage.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Throws when the memory was given back already. */
  check(user: string): void {
    if (this.disposed) {
      throw new ClozeError(
        'autograd',
        `${user} uses a tensor of ${this} that was already freed`,
        'Return it from its scope, or engine.keep() it',
      );
    }
  }

  toString(): string {
    return `[${this.shape.join(', ')}] ${this.dtype}`;
  }
}
