/**
 * Softmax of attention scores over the keys that each query can see, in place.
 *
 * scores: [batch, heads, queries, keys], replaced by probabilities. `order` says which keys a query i can see:
 * `any` all of them, `causal` those with j ≤ i, `prefix` those with j ≤ i or j < prefix[item] (Dong et al., UniLM,
 * 2019; prefix: [batch]). With `padding`, mask: [batch, keys] hides in addition the keys where it is 0.
 * With a `window` of 0 or more, keys farther from the query than that are hidden; with `segments`: [batch, keys], those
 * of another segment, where the largest u32 stands for no segment and sees nothing. Queries are then as many as keys.
 * Hidden keys get probability 0, exactly. A query that sees no key at all spreads evenly over all of them, as if the
 * least float had been added to every score, which is how Hugging Face's models mask.
 *
 * Order and window come to the keys of one range, so the sweeps stop at its end. Variants: see `rows.ts`.
 * The gradient is that of softmax: from the probabilities alone, also where a query sees nothing.
 */
import { maskedSoftmax as shader } from '../../shaders/maskedSoftmax.ts';
import { chooseRowVariant, rowVariants } from './rows.ts';
import type { KernelSpec } from './spec.ts';

export interface MaskedSoftmaxProblem {
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  padding: boolean;
  order: 'any' | 'causal' | 'prefix';
  segments: boolean;
  /** How far a query sees to either side; -1: without end. */
  window: number;
}

const rowsOf = ({ batch, heads, queries }: MaskedSoftmaxProblem) => batch * heads * queries;
const size = (problem: MaskedSoftmaxProblem) => rowsOf(problem) * problem.keys;
const shape = (problem: MaskedSoftmaxProblem) => ({ rows: rowsOf(problem), columns: problem.keys });

const whole = { segments: false, window: -1 };
const awkward: MaskedSoftmaxProblem[] = [
  { batch: 1, heads: 1, queries: 1, keys: 1, padding: false, order: 'any', ...whole },
  { batch: 3, heads: 1, queries: 2, keys: 5, padding: true, order: 'any', ...whole },
  { batch: 1, heads: 1, queries: 3, keys: 4097, padding: true, order: 'any', ...whole },
  { batch: 13_108, heads: 1, queries: 5, keys: 4, padding: true, order: 'causal', ...whole },
];
for (const padding of [false, true]) {
  for (const order of ['any', 'causal', 'prefix'] as const) {
    awkward.push({ batch: 3, heads: 2, queries: 13, keys: 13, padding, order, ...whole });
    awkward.push({ batch: 2, heads: 3, queries: 68, keys: 68, padding, order, ...whole });
    awkward.push({ batch: 2, heads: 1, queries: 7, keys: 132, padding, order, ...whole });
    awkward.push({ batch: 2, heads: 1, queries: 9, keys: 4, padding, order, segments: false, window: 2 });
    awkward.push({ batch: 2, heads: 2, queries: 24, keys: 24, padding, order, segments: true, window: 5 });
    awkward.push({ batch: 2, heads: 1, queries: 11, keys: 11, padding, order, segments: true, window: -1 });
  }
}

export const maskedSoftmax: KernelSpec<MaskedSoftmaxProblem> = {
  name: 'maskedSoftmax',
  bindings: [
    { name: 'scores', access: 'read-write', type: 'f32', half: true, length: size },
    {
      name: 'mask',
      access: 'read',
      type: 'u32',
      length: ({ batch, keys }) => batch * keys,
      when: ({ padding }) => padding,
    },
    {
      name: 'prefix',
      access: 'read',
      type: 'u32',
      length: ({ batch }) => batch,
      when: ({ order }) => order === 'prefix',
    },
    {
      name: 'segments',
      access: 'read',
      type: 'u32',
      length: ({ batch, keys }) => batch * keys,
      when: ({ segments }) => segments,
    },
  ],
  params: { rows: 'u32', heads: 'u32', queries: 'u32', keys: 'u32', window: 'u32' },
  values: (problem) => ({
    rows: rowsOf(problem),
    heads: problem.heads,
    queries: problem.queries,
    keys: problem.keys,
    window: Math.max(0, problem.window),
  }),
  cost: (problem) => ({ flops: 5 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: ({ keys }) => keys,
  reference: (problem, { scores, mask, prefix, segments }) => {
    const { heads, queries, keys, padding, order, window } = problem;
    const probabilities = new Float64Array(size(problem));
    const segment = (item: number, token: number) => segments[item * keys + token];
    for (let row = 0; row < rowsOf(problem); row++) {
      const query = row % queries;
      const item = Math.floor(row / (heads * queries));
      const sees = (j: number) =>
        (order === 'any' || j <= query || (order === 'prefix' && j < prefix[item])) &&
        !(padding && mask[item * keys + j] === 0) &&
        (window < 0 || Math.abs(query - j) <= window) &&
        (!problem.segments || segment(item, query) === segment(item, j)) &&
        (!problem.segments || segment(item, query) !== 2 ** 32 - 1);
      let visible = Array.from({ length: keys }, (_, j) => j).filter(sees);
      const blind = visible.length === 0;
      if (blind) visible = Array.from({ length: keys }, (_, j) => j);
      const score = (j: number) => (blind ? 0 : scores[row * keys + j]);
      const top = visible.reduce((high, j) => Math.max(high, score(j)), -Infinity);
      const sum = visible.reduce((total, j) => total + Math.exp(score(j) - top), 0);
      for (const j of visible) probabilities[row * keys + j] = Math.exp(score(j) - top) / sum;
    }
    return { scores: probabilities };
  },
  inputs: (problem, random) => {
    const { batch, keys } = problem;
    const scores = Float32Array.from({ length: size(problem) }, (_, i) =>
      Math.floor(i / keys) % 2 === 1 ? 1e4 * random.normal() : random.normal(),
    );
    const mask = Uint32Array.from({ length: batch * keys }, () => random.below(3));
    // The last item has no key to look at, a causal one none for its first query.
    mask.fill(0, (batch - 1) * keys);
    mask[0] = 0;
    const prefix = Uint32Array.from({ length: batch }, () => random.below(keys + 1));
    // Documents of some three tokens, and now and then a token that belongs to none.
    const segments = Uint32Array.from({ length: batch * keys }, (_, i) =>
      random.below(9) === 0 ? 2 ** 32 - 1 : Math.floor(i / 3) % 4,
    );
    return { scores, mask, prefix, segments };
  },
  awkward,
  variants: rowVariants(shape, (team, problem) =>
    shader(team, { ...problem, windowed: problem.window >= 0 }),
  ),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, shape(problem)),
};
