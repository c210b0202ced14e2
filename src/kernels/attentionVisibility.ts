/**
 * What each query of attention sees, worked out once for all heads, in the form that the flash kernels read.
 *
 * A query i sees a key j when all of these hold: `order` lets it (`any` all keys, `causal` j ≤ i, `prefix` j ≤ i or
 * j < prefix[item], as in Dong et al., UniLM, 2019); |i − j| ≤ window, where there is a window; mask[item, j] is not 0,
 * where there is `padding`; and both stand in the same segment, where there are `segments` (packed documents).
 * mask: [batch, keys], prefix: [batch], segments: [batch, tokens], where the largest u32 stands for no segment; state:
 * [seed, step] of dropout.
 *
 * visibility: in fours of u32, first (seed, step, 0, 0); then per query (first key, end of the keys, label, blind);
 * then the labels of the keys, each item's filled up to a multiple of four with 0. Between first and end a query sees
 * the keys that carry its label. A query that sees no key is blind: it attends to all of them evenly.
 */
import { attentionVisibility as shader, type VisibilityText } from '../../shaders/attentionVisibility.ts';
import { ClozeError } from '../gpu/index.ts';
import { type KernelSpec, spread } from './spec.ts';

export interface VisibilityProblem {
  batch: number;
  queries: number;
  keys: number;
  padding: boolean;
  order: 'any' | 'causal' | 'prefix';
  segments: boolean;
  /** How far a query sees to either side; -1: without end. */
  window: number;
  dropout: boolean;
}

/** Fours of words in the output. */
export const visibilityFours = ({
  batch,
  queries,
  keys,
}: Pick<VisibilityProblem, 'batch' | 'queries' | 'keys'>) => 1 + batch * (queries + Math.ceil(keys / 4));

const textOf = ({ padding, order, segments, window, dropout }: VisibilityProblem): VisibilityText => ({
  padding,
  order,
  segments,
  windowed: window >= 0,
  dropout,
});

const plain = { padding: false, order: 'any', segments: false, window: -1, dropout: false } as const;
const awkward: VisibilityProblem[] = [
  { ...plain, batch: 1, queries: 1, keys: 1 },
  { ...plain, batch: 2, queries: 3, keys: 67, padding: true, dropout: true },
  { ...plain, batch: 2, queries: 9, keys: 5, window: 2 },
  { ...plain, batch: 2, queries: 5, keys: 9, window: 2 ** 31, order: 'causal' },
  { ...plain, batch: 3, queries: 131, keys: 131, padding: true, segments: true, order: 'causal', window: 40 },
  { ...plain, batch: 70_001, queries: 60, keys: 2, padding: true, order: 'prefix', dropout: true },
];
for (const order of ['any', 'causal', 'prefix'] as const) {
  for (const window of [-1, 0, 3]) {
    awkward.push({ ...plain, batch: 3, queries: 13, keys: 13, order, window, padding: window === 3 });
    awkward.push({ ...plain, batch: 3, queries: 14, keys: 14, order, window, segments: true });
  }
}

export const attentionVisibility: KernelSpec<VisibilityProblem> = {
  name: 'attentionVisibility',
  bindings: [
    { name: 'mask', access: 'read', type: 'u32', length: (p) => p.batch * p.keys, when: (p) => p.padding },
    {
      name: 'prefix',
      access: 'read',
      type: 'u32',
      length: (p) => p.batch,
      when: (p) => p.order === 'prefix',
    },
    {
      name: 'segments',
      access: 'read',
      type: 'u32',
      length: (p) => p.batch * p.keys,
      when: (p) => p.segments,
    },
    { name: 'state', access: 'read', type: 'u32', length: () => 2, when: (p) => p.dropout },
    { name: 'visibility', access: 'write', type: 'u32', length: (p) => 4 * visibilityFours(p) },
  ],
  params: { batch: 'u32', queries: 'u32', keys: 'u32', window: 'u32' },
  values: ({ batch, queries, keys, window }) => ({ batch, queries, keys, window: Math.max(0, window) }),
  check({ queries, keys, segments, window }) {
    if (segments && queries !== keys) {
      throw new ClozeError(
        'shape',
        `attention of ${queries} queries and ${keys} keys by segments: each token is one of either`,
      );
    }
    if (!Number.isInteger(window) || window < -1) {
      throw new ClozeError(
        'option',
        `attention within a window of ${window}: it must be a whole number from 0`,
      );
    }
  },
  cost: (p) => ({ flops: 0, bytes: 16 * visibilityFours(p) }),
  reductionLength: () => 1,
  reference(p, { mask, prefix, segments, state }) {
    const { batch, queries, keys } = p;
    const label = (at: number) => (p.segments ? (segments[at] + 1) % 2 ** 32 : 1);
    const words = new Float64Array(4 * visibilityFours(p));
    if (p.dropout) words.set(state.subarray(0, 2));
    const sees = (item: number, i: number, j: number) =>
      (p.order === 'any' || j <= i || (p.order === 'prefix' && j < prefix[item])) &&
      (p.window < 0 || Math.abs(i - j) <= p.window) &&
      !(p.padding && mask[item * keys + j] === 0) &&
      (!p.segments || (label(item * keys + i) !== 0 && label(item * keys + i) === label(item * keys + j)));
    let at = 4;
    for (let row = 0; row < batch * queries; row++, at += 4) {
      const item = Math.floor(row / queries);
      let first = 0;
      let end = keys;
      while (first < keys && !sees(item, row % queries, first)) first++;
      while (end > first && !sees(item, row % queries, end - 1)) end--;
      words.set(first < end ? [first, end, label(row), 0] : [0, keys, label(row), 1], at);
    }
    for (let item = 0; item < batch; item++) {
      for (let j = 0; j < Math.ceil(keys / 4) * 4; j++, at++) {
        const shown = j < keys && !(p.padding && mask[item * keys + j] === 0);
        words[at] = shown ? label(item * keys + j) : 0;
      }
    }
    return { visibility: words };
  },
  inputs: ({ batch, keys }, random) => {
    const mask = Uint32Array.from({ length: batch * keys }, () => random.below(3));
    mask.fill(0, (batch - 1) * keys);
    const prefix = Uint32Array.from({ length: batch }, () => random.below(keys + 1));
    // Documents of some five tokens, and now and then a token that belongs to none.
    let document = 0;
    const segments = Uint32Array.from({ length: batch * keys }, () => {
      if (random.below(5) === 0) document = random.below(4);
      return random.below(9) === 0 ? 2 ** 32 - 1 : document;
    });
    return { mask, prefix, segments, state: Uint32Array.of(5, 7) };
  },
  awkward,
  variants: [
    {
      name: 'element',
      supports: () => true,
      source: (p) => shader(textOf(p)),
      workgroups: (p) => spread(Math.ceil(visibilityFours(p) / 64)),
    },
  ],
};
