/**
 * Softmax of attention scores over the keys that each query can see, in place.
 *
 * scores: [batch, heads, queries, keys], replaced by probabilities. `order` says which keys a query i can see:
 * `any` all of them, `causal` those with j ≤ i, `prefix` those with j ≤ i or j < prefix[item] (Dong et al., UniLM,
 * 2019; prefix: [batch]). With `padding`, mask: [batch, keys] hides in addition the keys where it is 0.
 * Hidden keys get probability 0, exactly. A query that sees no key at all spreads evenly over all of them, as if the
 * least float had been added to every score, which is how Hugging Face's models mask.
 *
 * All three orders come to "keys before some reach", so the sweeps stop there. Variants: see `rows.ts`.
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
}

const rowsOf = ({ batch, heads, queries }: MaskedSoftmaxProblem) => batch * heads * queries;
const size = (problem: MaskedSoftmaxProblem) => rowsOf(problem) * problem.keys;
const shape = (problem: MaskedSoftmaxProblem) => ({ rows: rowsOf(problem), columns: problem.keys });

const awkward: MaskedSoftmaxProblem[] = [
  { batch: 1, heads: 1, queries: 1, keys: 1, padding: false, order: 'any' },
  { batch: 3, heads: 1, queries: 2, keys: 5, padding: true, order: 'any' },
  { batch: 1, heads: 1, queries: 3, keys: 4097, padding: true, order: 'any' },
  { batch: 13_108, heads: 1, queries: 5, keys: 4, padding: true, order: 'causal' },
];
for (const padding of [false, true]) {
  for (const order of ['any', 'causal', 'prefix'] as const) {
    awkward.push({ batch: 3, heads: 2, queries: 13, keys: 13, padding, order });
    awkward.push({ batch: 2, heads: 3, queries: 68, keys: 68, padding, order });
    awkward.push({ batch: 2, heads: 1, queries: 7, keys: 132, padding, order });
    awkward.push({ batch: 2, heads: 1, queries: 9, keys: 4, padding, order });
  }
}

export const maskedSoftmax: KernelSpec<MaskedSoftmaxProblem> = {
  name: 'maskedSoftmax',
  bindings: [
    { name: 'scores', access: 'read-write', type: 'f32', length: size },
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
  ],
  params: { rows: 'u32', heads: 'u32', queries: 'u32', keys: 'u32' },
  values: (problem) => ({
    rows: rowsOf(problem),
    heads: problem.heads,
    queries: problem.queries,
    keys: problem.keys,
  }),
  cost: (problem) => ({ flops: 5 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: ({ keys }) => keys,
  reference: (problem, { scores, mask, prefix }) => {
    const { heads, queries, keys, padding, order } = problem;
    const probabilities = new Float64Array(size(problem));
    for (let row = 0; row < rowsOf(problem); row++) {
      const query = row % queries;
      const item = Math.floor(row / (heads * queries));
      const sees = (j: number) =>
        (order === 'any' || j <= query || (order === 'prefix' && j < prefix[item])) &&
        !(padding && mask[item * keys + j] === 0);
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
    return { scores, mask, prefix };
  },
  awkward,
  variants: rowVariants(shape, shader),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, shape(problem)),
};
