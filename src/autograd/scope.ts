/**
 * Memory belongs to scopes: leaving one frees every tensor made inside that is neither returned nor kept. Garbage
 * collection cannot do this, since it does not see how much GPU memory a small handle holds.
 */
import { Indices } from './indices.ts';
import { Tensor } from './tensor.ts';

export class Scope {
  readonly name: string;
  private readonly owned = new Set<Tensor>();
  private readonly close: (scope: Scope) => void;
  private readonly released: (() => void) | undefined;

  /** `close` is called to leave the scope by hand, `released` when it has been left. */
  constructor(name: string, close: (scope: Scope) => void, released?: () => void) {
    this.name = name;
    this.close = close;
    this.released = released;
  }

  add(tensor: Tensor): void {
    this.owned.add(tensor);
  }

  /** Lets go of a tensor; false when it was not the scope's. */
  remove(tensor: Tensor): boolean {
    return this.owned.delete(tensor);
  }

  /** Frees what is left. Called by the engine when the scope is left. */
  release(): void {
    for (const tensor of this.owned) tensor.dispose();
    this.owned.clear();
    this.released?.();
  }

  [Symbol.dispose](): void {
    this.close(this);
  }
}

/** Every tensor inside a value that a scope returns: a tensor, indices, or arrays, maps and plain objects of them. */
export function* tensorsIn(value: unknown): Generator<Tensor> {
  if (value instanceof Tensor) yield value;
  else if (value instanceof Indices) yield* value.tensors;
  else if (Array.isArray(value)) for (const item of value) yield* tensorsIn(item);
  else if (value instanceof Map) for (const item of value.values()) yield* tensorsIn(item);
  else if (value && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) yield* tensorsIn(item);
  }
}
