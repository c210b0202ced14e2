import { ClozeError } from '../../gpu/index.ts';
import { embeddingBackward, embeddingBackwardParts, embedding as kernel } from '../../kernels/embedding.ts';
import { longestSegment, mostParts } from '../../kernels/segments.ts';
import type { Indices } from '../indices.ts';
import { checkFloat, commonType } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';

export interface EmbeddingOptions {
  /** A row that receives no gradient. */
  paddingIdx?: number;
}

/**
 * Rows of a table [rows, width] by their numbers: indices [...] → [..., width]. The table may as well be activations,
 * of which some rows are wanted. Throws `shape` when the table is not a matrix, `input` when it lacks a row.
 *
 * The gradient adds up over repeated ids, in a fixed order.
 */
export function embedding(
  table: Tensor,
  indices: Indices,
  { paddingIdx = -1 }: EmbeddingOptions = {},
): Tensor {
  checkFloat('embedding', table);
  if (table.shape.length !== 2)
    throw new ClozeError('shape', `embedding needs a table [rows, width], and got ${table}`);
  const { engine } = table;
  const [rows, columns] = table.shape;
  const n = indices.size;
  indices.checkRows(rows);
  const y = engine.empty([...indices.shape, columns], engine.activationType(commonType(table)));
  engine.run(kernel, { n, rows, columns }, { table, ids: indices.ids, y });
  const groups = engine.tape.recording && table.requiresGrad ? indices.groups() : undefined;
  return record('embedding', [table], y, {
    save: groups ? [groups.rows, groups.offsets, groups.order] : [],
    vjp: (dy, [segmentRows, offsets, order], _needs, [total]) => {
      const dtable = total ?? engine.zeros(table.shape, table.dtype);
      const problem = { n, rows, columns, paddingIdx };
      const parts = engine.empty([Math.max(1, mostParts(n)), columns]);
      engine.run(embeddingBackward, problem, { rows: segmentRows, offsets, order, dy, parts, dtable });
      if (n > longestSegment) {
        engine.run(embeddingBackwardParts, problem, { rows: segmentRows, parts, dtable });
      }
      return [dtable];
    },
  });
}
