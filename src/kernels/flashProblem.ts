/**
 * What the flash kernels of attention are asked to do, and the probabilities that they recompute, in float64, which
 * their references share.
 */
import type { FlashText } from '../../shaders/flashAttention.ts';
import type { FlashTile } from '../../shaders/flashTile.ts';
import { type Capabilities, ClozeError } from '../gpu/index.ts';
import { visibilityFours } from './attentionVisibility.ts';
import { Random } from './random.ts';
import type { BindingSpec, KernelSpec, NumberArray, Precision } from './spec.ts';

export interface FlashProblem {
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  depth: number;
  /** Heads on an axis of their own, [batch, heads, tokens, depth], and not side by side, [batch, tokens, heads · depth]. */
  apart: boolean;
  /** What q · k is multiplied with. */
  scale: number;
  /** Whether some queries do not see some keys. */
  masked: boolean;
  /** Whether a query may not see some keys between the first and the last that it sees. */
  holes: boolean;
  /** Probability of dropping a probability, from 0 to less than 1; 0: no dropout. */
  p: number;
  /** Sets one use of dropout apart from the others in a step. */
  layer: number;
}

/** Largest depth of a head: what an invocation can hold in its own memory. */
export const maxDepth = 256;

export const queryCount = ({ batch, heads, queries }: FlashProblem) => batch * heads * queries;
export const keyCount = ({ batch, heads, keys }: FlashProblem) => batch * heads * keys;
/** Whether the kernels read the output of `attentionVisibility`. */
export const looks = ({ masked, p }: FlashProblem) => masked || p > 0;

type Binding = BindingSpec<FlashProblem>;

export const visibilityBinding: Binding = {
  name: 'visibility',
  access: 'read',
  type: 'u32',
  length: (problem) => 4 * visibilityFours(problem),
  when: looks,
};

/** One number per element of the queries (or keys) of all heads. */
export const ofQueries = (name: string, access: Binding['access']): Binding => ({
  name,
  access,
  type: 'f32',
  half: true,
  length: (problem) => queryCount(problem) * problem.depth,
});

export const ofKeys = (name: string, access: Binding['access']): Binding => ({
  name,
  access,
  type: 'f32',
  half: true,
  length: (problem) => keyCount(problem) * problem.depth,
});

export const flashParams = {
  count: 'u32',
  heads: 'u32',
  queries: 'u32',
  keys: 'u32',
  depth: 'u32',
  row: 'u32',
  headQ: 'u32',
  headK: 'u32',
  scale: 'f32',
  layer: 'u32',
  threshold: 'u32',
  keep: 'f32',
} as const satisfies KernelSpec<FlashProblem>['params'];

export function flashValues(problem: FlashProblem): Record<keyof typeof flashParams, number> {
  const { batch, heads, queries, keys, depth, apart, scale, p, layer } = problem;
  return {
    count: batch * heads,
    heads,
    queries,
    keys,
    depth,
    row: apart ? depth : heads * depth,
    headQ: apart ? queries * depth : depth,
    headK: apart ? keys * depth : depth,
    scale,
    layer,
    threshold: Math.ceil(p * 2 ** 24),
    keep: 1 / (1 - p),
  };
}

export const flashText = ({ depth, masked, holes, p, keys, f16 }: FlashProblem & Precision): FlashText => ({
  depth,
  masked,
  holes,
  dropout: p > 0,
  fours: keys % 4 === 0,
  f16,
});

/**
 * The tile of the variant `subgroup`, which adds up `sums` numbers per row and column of the depth: fewer rows where each
 * takes many registers.
 */
export function flashTile(depth: number, { subgroupMinSize: lanes }: Capabilities, sums = 1): FlashTile {
  const vectors = Math.ceil(depth / (4 * lanes));
  return { rows: vectors * sums > 4 ? 8 : 16, lanes, vectors };
}

/** Whether the variant `subgroup` can be used. */
export function tileSupports(
  capabilities: Capabilities,
  { depth }: Pick<FlashProblem, 'depth'>,
): true | string {
  const { subgroupMinSize, subgroupMaxSize } = capabilities;
  if (subgroupMinSize < 4) return 'the adapter has no subgroups of 4 or more';
  if (subgroupMinSize !== subgroupMaxSize) return 'the size of subgroups is not fixed';
  return depth <= 128 || 'a head deeper than 128 has no room in registers';
}

export function checkFlash({ batch, heads, queries, keys, depth }: FlashProblem): void {
  if (![batch, heads, queries, keys, depth].every((size) => Number.isInteger(size) && size > 0)) {
    throw new ClozeError(
      'shape',
      `attention of ${queries} queries and ${keys} keys of ${depth}, ${batch}×${heads} times: each size must be at least 1`,
    );
  }
  if (depth > maxDepth) {
    throw new ClozeError(
      'shape',
      `attention heads of depth ${depth}: flash attention goes up to ${maxDepth}`,
      'Use more heads',
    );
  }
}

/** In float64, per query of all heads: scores, probabilities, and what dropout multiplies them with. */
export function flashRows(problem: FlashProblem, inputs: Readonly<Record<string, NumberArray>>) {
  const { batch, heads, queries, keys, depth, scale, p, layer } = problem;
  const { row, headQ, headK } = flashValues(problem);
  const { q, k, visibility } = inputs;
  const random = p > 0 ? new Random(visibility[0], visibility[1], layer) : undefined;
  return Array.from({ length: batch * heads * queries }, (_, i) => {
    const [head, query] = [Math.floor(i / queries), i % queries];
    const [item, inside] = [Math.floor(head / heads), head % heads];
    const line = item * heads * depth * queries + inside * headQ + query * row;
    const lines = Array.from(
      { length: keys },
      (_, j) => item * heads * depth * keys + inside * headK + j * row,
    );
    const sightAt = 4 * (1 + item * queries + query);
    const [first, end, label, blind] = problem.masked
      ? visibility.slice(sightAt, sightAt + 4)
      : [0, keys, 0, 0];
    const labelsAt = 4 * (1 + batch * queries + item * Math.ceil(keys / 4));
    const scores = lines.map((other, j) => {
      const same = !problem.holes || blind || visibility[labelsAt + j] === label;
      if (j < first || j >= end || !same) return -Infinity;
      if (blind) return 0;
      let sum = 0;
      for (let d = 0; d < depth; d++) sum += q[line + d] * k[other + d];
      return scale * sum;
    });
    const top = scores.reduce((high, score) => Math.max(high, score));
    const total = scores.reduce((sum, score) => sum + Math.exp(score - top), 0);
    const keep = scores.map(() => (random ? (random.uniform() >= p ? 1 / (1 - p) : 0) : 1));
    const logSum = top + Math.log(total);
    const probabilities = scores.map((score) => Math.exp(score - logSum));
    return { line, lines, logSum, probabilities, keep };
  });
}

/** Ranges, labels and blind queries at random; every query that is not blind sees a key. */
export function drawVisibility(problem: FlashProblem, below: (n: number) => number): Uint32Array {
  const { batch, queries, keys, holes } = problem;
  const words = new Uint32Array(4 * visibilityFours(problem));
  words.set([below(2 ** 32), 7]);
  const labels = words.subarray(4 * (1 + batch * queries));
  const padded = 4 * Math.ceil(keys / 4);
  for (let i = 0; i < labels.length; i++) labels[i] = i % padded < keys ? below(3) : 0;
  for (let i = 0; i < batch * queries; i++) {
    const first = below(keys);
    const end = first + 1 + below(keys - first);
    const item = Math.floor(i / queries) * padded;
    const label = labels[item + first];
    const sees = below(5) > 0 && (label > 0 || !holes);
    words.set(sees ? [first, end, label, 0] : [0, keys, label, 1], 4 * (1 + i));
  }
  return words;
}

const base = { batch: 1, heads: 1, apart: false, scale: 0.3, masked: false, holes: false, p: 0, layer: 3 };
export const awkwardFlash: readonly FlashProblem[] = [
  { ...base, queries: 1, keys: 1, depth: 1 },
  { ...base, queries: 3, keys: 2, depth: 1, batch: 13_108, heads: 5 },
  { ...base, queries: 67, keys: 5, depth: 64, heads: 3 },
  { ...base, queries: 5, keys: 131, depth: 32, batch: 2, apart: true, p: 0.3, scale: 20 },
  {
    ...base,
    queries: 33,
    keys: 68,
    depth: 8,
    batch: 2,
    heads: 2,
    masked: true,
    p: 0.1,
    layer: 4_000_000_000,
  },
  { ...base, queries: 68, keys: 33, depth: 20, batch: 2, heads: 3, masked: true, holes: true, apart: true },
  { ...base, queries: 17, keys: 257, depth: 13, batch: 2, heads: 2, masked: true, holes: true, p: 0.5 },
  { ...base, queries: 35, keys: 66, depth: 128, heads: 2, masked: true, scale: 0.1 },
  { ...base, queries: 9, keys: 13, depth: 256, masked: true },
];
