/**
 * The index behind the gradient of an embedding: which positions of a batch hold each id. The gradient of a table row
 * is the sum over its positions; with the positions listed, one workgroup can sum them in a fixed order, so the result
 * is the same bits every time. Atomic additions would leave the order, hence the rounding, to chance.
 */

/** Most positions in a segment: one that is longer is cut, so that its parts are summed side by side. */
export const longestSegment = 64;

/** Marks the row of a segment that is part of a longer one. */
export const partOfRow = 0x80000000;

/** How many segments can be parts of longer ones, among n positions. */
export function mostParts(n: number): number {
  return Math.floor((2 * n) / longestSegment);
}

/**
 * The positions of n ids, grouped by id. Segment s belongs to table row `rows[s]` and holds the positions
 * `order[offsets[s]]` … `order[offsets[s + 1] − 1]`, in ascending order. Ids with more than {@link longestSegment}
 * positions come first, each in several segments that follow one another, their rows marked with {@link partOfRow};
 * there are at most {@link mostParts}. Then come the others. Both kinds ascend by id.
 *
 * Sizes depend on n alone, so that one recorded dispatch serves every batch: segments from `count` on are empty and
 * name the row `vocab`, one past the table.
 */
export interface SegmentIndex {
  /** [n] the rows of the segments, then `vocab`. */
  rows: Uint32Array<ArrayBuffer>;
  /** [n + 1] where each segment begins in `order`. */
  offsets: Uint32Array<ArrayBuffer>;
  /** [n] the positions 0 … n − 1, sorted by id. */
  order: Uint32Array<ArrayBuffer>;
  /** How many segments are not empty. */
  count: number;
}

/**
 * Groups positions by id with a counting sort: O(n + vocab) and stable.
 * Throws RangeError for an id outside 0 … vocab − 1.
 */
export function segmentIndex(ids: Uint32Array, vocab: number): SegmentIndex {
  const n = ids.length;
  const sizes = new Uint32Array(vocab);
  for (const id of ids) {
    if (id >= vocab) throw new RangeError(`segmentIndex: id ${id} is not below ${vocab}`);
    sizes[id]++;
  }
  const rows = new Uint32Array(n).fill(vocab);
  const offsets = new Uint32Array(n + 1).fill(n);
  const next = new Uint32Array(vocab);
  let count = 0;
  let start = 0;
  for (const long of [true, false]) {
    for (let id = 0; id < vocab; id++) {
      const size = sizes[id];
      if (size === 0 || size > longestSegment !== long) continue;
      next[id] = start;
      for (let part = 0; part < size; part += longestSegment) {
        rows[count] = long ? (id | partOfRow) >>> 0 : id;
        offsets[count++] = start + part;
      }
      start += size;
    }
  }
  const order = new Uint32Array(n);
  for (let position = 0; position < n; position++) order[next[ids[position]]++] = position;
  return { rows, offsets, order, count };
}
