/** Row numbers on the GPU, together with what the gradient of a look-up needs to know about them. */
import { ClozeError } from '../gpu/index.ts';
import { segmentIndex } from '../kernels/segments.ts';
import type { Engine } from './engine.ts';
import type { Shape, Tensor } from './tensor.ts';

/**
 * Numbers of rows, any shape. Its buffers are as long as the ids are many, whatever the ids, so that new ids can be
 * written into them and recorded work stays valid. They belong to the current scope, as tensors do.
 */
export class Indices {
  readonly shape: Shape;
  readonly ids: Tensor;
  /** Positions grouped by row, see `segmentIndex`: filled once a gradient will need them. */
  private readonly segments: { rows: Tensor; offsets: Tensor; order: Tensor };
  private values: Uint32Array;
  /** The smallest table these ids were looked up in. */
  private limit = Number.POSITIVE_INFINITY;
  private grouped = false;
  private wantsGroups = false;

  constructor(engine: Engine, values: Uint32Array, shape: Shape = [values.length]) {
    this.shape = shape;
    this.values = values;
    this.ids = engine.tensor(values, shape);
    const n = values.length;
    this.segments = {
      rows: engine.empty([n], 'u32'),
      offsets: engine.empty([n + 1], 'u32'),
      order: engine.empty([n], 'u32'),
    };
  }

  get size(): number {
    return this.ids.size;
  }

  /** All that is in GPU memory. */
  get tensors(): readonly Tensor[] {
    return [this.ids, ...Object.values(this.segments)];
  }

  /** Replaces the ids by as many others. Throws `shape` when their number differs, `input` when a table lacks a row. */
  write(values: Uint32Array): void {
    check(values, this.limit);
    this.ids.write(values);
    this.values = values;
    this.grouped = false;
    if (this.wantsGroups) this.groups();
  }

  /** Throws `input` unless every id is a row of a table of so many. */
  checkRows(rows: number): void {
    if (rows >= this.limit) return;
    check(this.values, rows);
    this.limit = rows;
  }

  /** The positions grouped by row, uploaded. */
  groups(): { rows: Tensor; offsets: Tensor; order: Tensor } {
    const { rows, offsets, order } = this.segments;
    this.wantsGroups = true;
    if (!this.grouped) {
      const index = segmentIndex(this.values, this.limit);
      rows.write(index.rows);
      offsets.write(index.offsets);
      order.write(index.order);
      this.grouped = true;
    }
    return this.segments;
  }

  dispose(): void {
    for (const tensor of this.tensors) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    return `[${this.shape.join(', ')}] indices`;
  }
}

/** Uploads ids for {@link Indices}. Throws `shape` when they do not fill the shape. */
export function indices(engine: Engine, values: Uint32Array, shape?: Shape): Indices {
  return new Indices(engine, values, shape);
}

function check(values: Uint32Array, rows: number): void {
  const wrong = values.findIndex((id) => id >= rows);
  if (wrong < 0) return;
  throw new ClozeError(
    'input',
    `id ${values[wrong]} at position ${wrong} is not a row of a table of ${rows}`,
    'Check that the tokenizer and the model have the same vocabulary',
  );
}
