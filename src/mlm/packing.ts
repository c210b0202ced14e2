/**
 * How little padding does: rows of a dataset that share a row of a batch, or that share a batch because they are of one length.
 * Krell et al. ("Efficient Sequence Packing
 * without Cross-contamination", 2021) show that such rows train as separate ones do, as long as no document sees another.
 */
import { roomOf } from './batch.ts';
import type { Dataset } from './dataset.ts';
import type { Corruption } from './objectives/objective.ts';

export interface Packing {
  /** The dataset's rows in each row of a batch; together all of them, each once. */
  packs: readonly Uint32Array[];
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
  const order = Uint32Array.from(lengths, (_, row) => row).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const packs: number[][] = [];
  /** By the room that is left in them: packs that could take more. */
  const open: number[][] = Array.from({ length: T + 1 }, () => []);
  for (const row of order) {
    const length = lengths[row];
    let room = length;
    while (room < T && open[room].length === 0) room++;
    const pack = open[room].pop() ?? packs.push([]) - 1;
    packs[pack].push(row);
    open[room - length].push(pack);
  }
  const placesOf = (pack: readonly number[]) =>
    pack.reduce((sum, row) => sum + corruption.places(roomOf(lengths[row], T)), 0);
  return {
    packs: packs.map((pack) => Uint32Array.from(pack)),
    places: Math.min(
      T,
      packs.reduce((most, pack) => Math.max(most, placesOf(pack)), 0),
    ),
  };
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
