/**
 * Gradients of attention without stored probabilities: recomputed from q, k and the log-sum-exp of the forward pass
 * (Dao et al., "FlashAttention", 2022).
 *
 * `flashStatistics`: statistics[row] = (logSum[row], Σ_d gradient · context), [batch, heads, queries, 2]. The second is
 * Σ_j p_j dp_j, which softmax's gradient needs.
 *
 * With p the probabilities, m dropout's factors, dp = m · (gradient · v) and ds = scale · p (dp − Σ_j p_j dp_j):
 * `flashQueries` computes dq = Σ_j ds k; `flashKeys` computes dk = Σ_i ds q and dv = Σ_i p m gradient.
 *
 * Variants: `row` (an invocation a query or a key), `subgroup` (a tile in the registers of a subgroup of known size).
 */
import { flashStatistics as statisticsShader } from '../../shaders/flashAttention.ts';
import { flashKeysRow, flashQueriesRow } from '../../shaders/flashAttentionBackward.ts';
import { flashKeysTile, flashQueriesTile } from '../../shaders/flashBackwardTile.ts';
import {
  awkwardFlash,
  checkFlash,
  drawVisibility,
  type FlashProblem,
  flashParams,
  flashRows,
  flashText,
  flashTile,
  flashValues,
  keyCount,
  ofKeys,
  ofQueries,
  queryCount,
  tileSupports,
  visibilityBinding,
} from './flashProblem.ts';
import { type KernelSpec, type NumberArray, spread } from './spec.ts';

export const flashStatistics: KernelSpec<FlashProblem> = {
  name: 'flashStatistics',
  bindings: [
    ofQueries('gradient', 'read'),
    ofQueries('context', 'read'),
    { name: 'logSum', access: 'read', type: 'f32', length: queryCount },
    { name: 'statistics', access: 'write', type: 'f32', length: (problem) => 2 * queryCount(problem) },
  ],
  params: flashParams,
  values: flashValues,
  check: checkFlash,
  cost: (problem) => ({
    flops: 2 * queryCount(problem) * problem.depth,
    bytes: 4 * queryCount(problem) * (2 * problem.depth + 3),
  }),
  reductionLength: ({ depth }) => depth,
  reference(problem, { gradient, context, logSum }) {
    const { heads, queries, depth } = problem;
    const { row, headQ } = flashValues(problem);
    const statistics = new Float64Array(2 * queryCount(problem));
    for (let i = 0; i < queryCount(problem); i++) {
      const head = Math.floor(i / queries);
      const line =
        Math.floor(head / heads) * heads * depth * queries + (head % heads) * headQ + (i % queries) * row;
      statistics[2 * i] = logSum[i];
      for (let d = 0; d < depth; d++) statistics[2 * i + 1] += gradient[line + d] * context[line + d];
    }
    return { statistics };
  },
  awkward: awkwardFlash,
  variants: [
    {
      name: 'row',
      supports: () => true,
      source: ({ depth, f16 }) => statisticsShader({ depth, f16 }),
      workgroups: (problem) => spread(Math.ceil(queryCount(problem) / 64)),
    },
  ],
};

const operands: KernelSpec<FlashProblem>['bindings'] = [
  ofQueries('q', 'read'),
  ofKeys('k', 'read'),
  ofKeys('v', 'read'),
  ofQueries('gradient', 'read'),
  { name: 'statistics', access: 'read', type: 'f32', length: (problem) => 2 * queryCount(problem) },
  visibilityBinding,
];

/** Floating-point operations and bytes of `products` products of queries with keys. */
const cost = (problem: FlashProblem, products: number, elements: number) => {
  const { batch, heads, queries, keys, depth } = problem;
  return {
    flops: batch * heads * queries * keys * (2 * products * depth + 8),
    bytes: 4 * (depth * elements + 2 * queryCount(problem)),
  };
};

/** What the gradients of a query and a key have in common, for each pair of which the query sees the key. */
function eachPair(
  problem: FlashProblem,
  inputs: Readonly<Record<string, NumberArray>>,
  visit: (line: number, other: number, share: number, slope: number) => void,
): void {
  const { v, gradient, statistics } = inputs;
  flashRows(problem, inputs).forEach(({ line, lines, probabilities, keep }, i) => {
    lines.forEach((other, j) => {
      let worth = 0;
      for (let d = 0; d < problem.depth; d++) worth += gradient[line + d] * v[other + d];
      const slope = problem.scale * probabilities[j] * (worth * keep[j] - statistics[2 * i + 1]);
      visit(line, other, probabilities[j] * keep[j], slope);
    });
  });
}

function inputs(problem: FlashProblem, random: { normal(): number; below(n: number): number }) {
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
  const q = draw(queryCount(problem) * problem.depth);
  const k = draw(keyCount(problem) * problem.depth);
  const visibility = drawVisibility(problem, (n) => random.below(n));
  const rows = flashRows(problem, { q, k, visibility });
  const statistics = Float32Array.from(rows.flatMap(({ logSum }) => [logSum, random.normal()]));
  return { q, k, visibility, statistics };
}

/** Of large scores the forward pass hands on a log-sum-exp that float32 rounds more than the tolerance grants. */
const awkward = awkwardFlash.map((problem) => ({ ...problem, scale: Math.min(problem.scale, 1) }));

export const flashQueries: KernelSpec<FlashProblem> = {
  name: 'flashQueries',
  bindings: [...operands, ofQueries('dq', 'write')],
  params: flashParams,
  values: flashValues,
  check: checkFlash,
  cost: (problem) => cost(problem, 3, 3 * queryCount(problem) + 2 * keyCount(problem)),
  reductionLength: ({ keys, depth }) => Math.max(keys, depth),
  reference(problem, given) {
    const { depth } = problem;
    const dq = new Float64Array(queryCount(problem) * depth);
    eachPair(problem, given, (line, other, _, slope) => {
      for (let d = 0; d < depth; d++) dq[line + d] += slope * given.k[other + d];
    });
    return { dq };
  },
  inputs,
  awkward,
  variants: [
    {
      name: 'row',
      supports: () => true,
      source: (problem) => flashQueriesRow(flashText(problem)),
      workgroups: (problem) => spread(Math.ceil(queryCount(problem) / 64)),
    },
    {
      name: 'subgroup',
      supports: tileSupports,
      source: (problem, capabilities) =>
        flashQueriesTile(flashText(problem), flashTile(problem.depth, capabilities)),
      workgroups: ({ batch, heads, queries, depth }, capabilities) =>
        spread(batch * heads * Math.ceil(queries / flashTile(depth, capabilities).rows)),
    },
  ],
  choose: ({ software }) => (software ? 'subgroup' : 'row'),
};

export const flashKeys: KernelSpec<FlashProblem> = {
  name: 'flashKeys',
  bindings: [...operands, ofKeys('dk', 'write'), ofKeys('dv', 'write')],
  params: flashParams,
  values: flashValues,
  check: checkFlash,
  cost: (problem) => cost(problem, 4, 2 * queryCount(problem) + 4 * keyCount(problem)),
  reductionLength: ({ queries, depth }) => Math.max(queries, depth),
  reference(problem, given) {
    const { depth } = problem;
    const dk = new Float64Array(keyCount(problem) * depth);
    const dv = new Float64Array(keyCount(problem) * depth);
    eachPair(problem, given, (line, other, share, slope) => {
      for (let d = 0; d < depth; d++) {
        dk[other + d] += slope * given.q[line + d];
        dv[other + d] += share * given.gradient[line + d];
      }
    });
    return { dk, dv };
  },
  inputs,
  awkward,
  variants: [
    {
      name: 'row',
      supports: () => true,
      source: (problem) => flashKeysRow(flashText(problem)),
      workgroups: (problem) => spread(Math.ceil(keyCount(problem) / 64)),
    },
    {
      name: 'subgroup',
      supports: tileSupports,
      source: (problem, capabilities) =>
        flashKeysTile(flashText(problem), flashTile(problem.depth, capabilities, 2)),
      workgroups: ({ batch, heads, keys, depth }, capabilities) =>
        spread(batch * heads * Math.ceil(keys / flashTile(depth, capabilities, 2).rows)),
    },
  ],
  choose: ({ software }) => (software ? 'subgroup' : 'row'),
};
