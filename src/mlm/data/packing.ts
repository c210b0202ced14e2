/**
 * How little padding does: rows of a dataset that share a row of a batch, or that share a batch because they are of one length.
 * Krell et al. ("Efficient Sequence Packing
 * without Cross-contamination", 2021) show that such rows train as separate ones do, as long as no document sees another.
 */

import type { Corruption } from '../objectives/objective.ts';
import { roomOf } from './batch.ts';
import type { Dataset } from './dataset.ts';

export interface Packing {
  /** Rows of a batch that the dataset makes. */
  size: number;
  /** The dataset's rows in one of them; together all of them, each once. */
  pack(index: number): Uint32Array;
  /** Most predictions that such a row asks for. */
  places: number;
}

/** Whether several rows of a dataset can share one of a batch: their lengths stay, and one mask serves them all. */
export function isPackable({ attention, rowLength }: Corruption, T: number): boolean {
  return attention !== 'prefix' && rowLength(T) === T;
}

/**
 * Packs the rows of a dataset into as few rows of T tokens as best-fit decreasing finds: the longest ones first, each where
 * it leaves the least room. A pure function of the lengths, so that a resumed run has the same rows.
 */
export function packRows({ T, lengths }: Dataset, corruption: Corruption): Packing {
  const order = longestFirst(lengths, T);
  /** The pack of each row. */
  const packOf = new Uint32Array(lengths.length);
  let size = 0;
  /** By the room that is left in them: packs that could take more. */
  const open: number[][] = Array.from({ length: T + 1 }, () => []);
  for (const row of order) {
    const length = lengths[row];
    let room = length;
    while (room < T && open[room].length === 0) room++;
    const pack = open[room].pop() ?? size++;
    packOf[row] = pack;
    if (room > length) open[room - length].push(pack);
  }

  // One array for all packs: millions of small ones would take several times the memory.
  const ends = new Uint32Array(size + 1);
  const places = new Uint32Array(size);
  for (let row = 0; row < lengths.length; row++) {
    ends[packOf[row] + 1]++;
    places[packOf[row]] += corruption.places(roomOf(lengths[row], T));
  }
  for (let pack = 0; pack < size; pack++) ends[pack + 1] += ends[pack];
  const starts = ends.slice();
  const rows = new Uint32Array(lengths.length);
  for (const row of order) rows[starts[packOf[row]]++] = row;
  return {
    size,
    pack: (index) => rows.subarray(ends[index], ends[index + 1]),
    places: Math.min(
      T,
      places.reduce((most, count) => Math.max(most, count), 0),
    ),
  };
}

/** Rows by falling length, equally long ones in their order. */
function longestFirst(lengths: Uint32Array, T: number): Uint32Array {
  const starts = new Uint32Array(T + 2);
  for (const length of lengths) starts[T - length + 1]++;
  for (let i = 0; i <= T; i++) starts[i + 1] += starts[i];
  const order = new Uint32Array(lengths.length);
  lengths.forEach((length, row) => {
    order[starts[T - length]++] = row;
  });
  return order;
}

/** How many lengths the rows of grouped batches have: each is captured as a step of its own. */
const buckets = 4;

/** The shortest of a few lengths that suffices for the given rows of a dataset, -1 for an empty one. */
export function bucketOf({ T, lengths }: Dataset, rows: Int32Array): number {
  const longest = rows.reduce((most, row) => (row < 0 ? most : Math.max(most, roomOf(lengths[row], T))), 1);
  const step = Math.ceil(T / buckets);
  return Math.min(T, step * Math.ceil(longest / step));
}

/** Batches from which those of one length are picked. */
const pool = 50;

/**
 * Puts rows of like lengths into one batch: within each 50 batches of an order, the rows are sorted by length, and the batches
 * keep the order of their longest ones' places (Hugging Face's `group_by_length`, whose batches go by length).
 */
export function groupByLength(order: Uint32Array, lengths: Uint32Array, batchSize: number): Uint32Array {
  const grouped = new Uint32Array(order.length);
  for (let start = 0; start < order.length; start += pool * batchSize) {
    const part = order.slice(start, start + pool * batchSize);
    const place = new Map(Array.from(part, (row, i) => [row, i]));
    const sorted = [...part].sort((a, b) => lengths[b] - lengths[a]);
    const batches: number[][] = [];
    while (sorted.length >= batchSize) batches.push(sorted.splice(0, batchSize));
    batches.sort((a, b) => (place.get(a[0]) as number) - (place.get(b[0]) as number));
    grouped.set([...batches.flat(), ...sorted], start);
  }
  return grouped;
}

/** The share of padding in the rows of a batch, one dataset row in each or packed. */
export function paddingShare({ T, size, lengths }: Dataset, rows = size): number {
  return 1 - lengths.reduce((sum, length) => sum + length, 0) / (rows * T);
}
