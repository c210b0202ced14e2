/**
 * Rows of a table by their numbers, and the gradient of the table.
 *
 * `embedding`: table: [rows, columns], ids: [n] below rows → y: [n, columns].
 * `embeddingBackward`: dy: [n, columns] is added to dtable: [rows, columns]. The CPU has grouped the positions by row
 * (`segments.ts`): segment s holds positions order[offsets[s]] … order[offsets[s + 1] − 1] of row rows[s]. One
 * invocation sums a segment's column in a fixed order, so no two write the same place and the result is the same
 * every time. Rows that no segment names, and the row `paddingIdx`, stay as they are. The sum of a
 * segment that is part of a longer one goes to parts: [mostParts(n), columns] instead, and
 * `embeddingBackwardParts` adds those up: without that, an id that is everywhere, such as the token type, would be
 * summed by one invocation a column, while the rest of the GPU waits.
 *
 * Variants: `scalar` (any), `vec4` (columns a multiple of 4).
 */
import {
  embeddingBackward as backwardShader,
  embeddingBackwardParts as partsShader,
  embedding as shader,
} from '../../shaders/embedding.ts';
import { turns } from './elements.ts';
import { longestSegment, mostParts, partOfRow, segmentIndex } from './segments.ts';
import { type KernelSpec, spread, type Variant } from './spec.ts';

export interface EmbeddingProblem {
  /** Number of ids. */
  n: number;
  rows: number;
  columns: number;
}

export interface EmbeddingBackwardProblem extends EmbeddingProblem {
  /** A row that receives no gradient; −1 for none. */
  paddingIdx: number;
}

/** `lines` tells how many rows of `columns` the invocations share. */
function rowVariants<P extends EmbeddingProblem>(
  source: (width: 1 | 4, f16?: readonly string[]) => string,
  lines: (n: number) => number = (n) => n,
): Variant<P>[] {
  return [
    {
      name: 'scalar',
      supports: () => true,
      source: ({ f16 }) => source(1, f16),
      workgroups: ({ n, columns }, capabilities) =>
        spread(Math.ceil((lines(n) * columns) / 64 / turns(capabilities))),
    },
    {
      name: 'vec4',
      supports: (_, { columns }) => columns % 4 === 0 || 'the columns are not a multiple of 4',
      source: ({ f16 }) => source(4, f16),
      workgroups: ({ n, columns }, capabilities) =>
        spread(Math.ceil((lines(n) * columns) / 256 / turns(capabilities))),
    },
  ];
}

export const embedding: KernelSpec<EmbeddingProblem> = {
  name: 'embedding',
  bindings: [
    { name: 'table', access: 'read', type: 'f32', half: true, length: (p) => p.rows * p.columns },
    { name: 'ids', access: 'read', type: 'u32', length: (p) => p.n },
    { name: 'y', access: 'write', type: 'f32', half: true, length: (p) => p.n * p.columns },
  ],
  params: { count: 'u32', columns: 'u32' },
  values: ({ n, columns }) => ({ count: n * columns, columns }),
  cost: ({ n, columns }) => ({ flops: 0, bytes: 4 * n * (2 * columns + 1) }),
  reductionLength: () => 1,
  reference: ({ n, columns }, { table, ids }) => ({
    y: Float64Array.from({ length: n * columns }, (_, i) => {
      return table[ids[Math.floor(i / columns)] * columns + (i % columns)];
    }),
  }),
  inputs: ({ n, rows }, random) => ({ ids: Uint32Array.from({ length: n }, () => random.below(rows)) }),
  awkward: [
    { n: 1, rows: 1, columns: 1 },
    { n: 8, rows: 20, columns: 6 },
    { n: 67, rows: 31, columns: 20 },
    { n: 4097, rows: 3, columns: 4 },
    { n: 1_048_600, rows: 5, columns: 4 },
  ],
  variants: rowVariants(shader),
};

/** Elements of `parts`, of which there is at least one row, so that it can be bound. */
const partsLength = (p: EmbeddingProblem) => Math.max(1, mostParts(p.n)) * p.columns;
const isPart = (row: number) => (row & partOfRow) !== 0;
const rowOf = (row: number) => (row & ~partOfRow) >>> 0;

/** Random ids, grouped. */
function grouped({ n, rows }: EmbeddingProblem, random: { below(n: number): number }) {
  return segmentIndex(
    Uint32Array.from({ length: n }, () => random.below(rows)),
    rows,
  );
}

const awkward: readonly EmbeddingBackwardProblem[] = [
  { n: 1, rows: 1, columns: 1, paddingIdx: -1 },
  { n: 8, rows: 20, columns: 6, paddingIdx: 0 },
  { n: 67, rows: 31, columns: 20, paddingIdx: 3 },
  { n: 64, rows: 1, columns: 8, paddingIdx: -1 },
  { n: 65, rows: 1, columns: 5, paddingIdx: -1 },
  { n: 1000, rows: 9, columns: 12, paddingIdx: 2 },
  { n: 4097, rows: 3, columns: 4, paddingIdx: -1 },
  { n: 131_100, rows: 40_000, columns: 32, paddingIdx: 1 },
];

export const embeddingBackward: KernelSpec<EmbeddingBackwardProblem> = {
  name: 'embeddingBackward',
  bindings: [
    { name: 'rows', access: 'read', type: 'u32', length: (p) => p.n },
    { name: 'offsets', access: 'read', type: 'u32', length: (p) => p.n + 1 },
    { name: 'order', access: 'read', type: 'u32', length: (p) => p.n },
    { name: 'dy', access: 'read', type: 'f32', half: true, length: (p) => p.n * p.columns },
    { name: 'parts', access: 'read-write', type: 'f32', length: partsLength },
    { name: 'dtable', access: 'read-write', type: 'f32', half: true, length: (p) => p.rows * p.columns },
  ],
  params: { count: 'u32', columns: 'u32', padding: 'u32' },
  values: ({ n, columns, paddingIdx }) => ({ count: n * columns, columns, padding: paddingIdx >>> 0 }),
  cost: ({ n, columns }) => ({ flops: n * columns, bytes: 4 * n * (3 * columns + 3) }),
  reductionLength: () => longestSegment,
  reference: (p, inputs) => {
    const { rows, offsets, order, dy } = inputs;
    const dtable = Float64Array.from(inputs.dtable);
    const parts = Float64Array.from(inputs.parts);
    rows.forEach((row, s) => {
      if (offsets[s] === offsets[s + 1] || rowOf(row) === p.paddingIdx) return;
      for (let c = 0; c < p.columns; c++) {
        let total = 0;
        for (let k = offsets[s]; k < offsets[s + 1]; k++) total += dy[order[k] * p.columns + c];
        if (isPart(row)) parts[s * p.columns + c] = total;
        else dtable[row * p.columns + c] += total;
      }
    });
    return { dtable, parts };
  },
  inputs: (problem, random) => {
    const { rows, offsets, order } = grouped(problem, random);
    return { rows, offsets, order };
  },
  awkward,
  variants: rowVariants(backwardShader),
};

export const embeddingBackwardParts: KernelSpec<EmbeddingBackwardProblem> = {
  name: 'embeddingBackwardParts',
  bindings: [
    { name: 'rows', access: 'read', type: 'u32', length: (p) => p.n },
    { name: 'parts', access: 'read', type: 'f32', length: partsLength },
    { name: 'dtable', access: 'read-write', type: 'f32', half: true, length: (p) => p.rows * p.columns },
  ],
  params: { count: 'u32', columns: 'u32', padding: 'u32' },
  values: ({ n, columns, paddingIdx }) => ({
    count: mostParts(n) * columns,
    columns,
    padding: paddingIdx >>> 0,
  }),
  cost: ({ n, columns }) => ({ flops: mostParts(n) * columns, bytes: 4 * mostParts(n) * columns }),
  reductionLength: ({ n }) => Math.ceil(n / longestSegment),
  reference: (p, { rows, parts, dtable }) => {
    const result = Float64Array.from(dtable);
    const count = rows.findIndex((row) => !isPart(row));
    rows.subarray(0, count < 0 ? rows.length : count).forEach((row, s) => {
      if (rowOf(row) === p.paddingIdx) return;
      for (let c = 0; c < p.columns; c++) {
        result[rowOf(row) * p.columns + c] += parts[s * p.columns + c];
      }
    });
    return { dtable: result };
  },
  inputs: (problem, random) => ({ rows: grouped(problem, random).rows }),
  awkward: awkward.filter(({ n }) => mostParts(n) > 0),
  variants: rowVariants(partsShader, mostParts),
};
