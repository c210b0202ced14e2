/**
 * Attention without stored probabilities: context = dropout(softmax(scale · q kᵀ)) v, key tile by key tile with a running
 * maximum and sum, in memory that grows with the tokens and not with their square (Dao et al., "FlashAttention", 2022).
 *
 * q, context: queries; k, v: keys; heads side by side or apart, see {@link FlashProblem}. visibility: what each query sees,
 * from `attentionVisibility`, left out when there is neither mask nor dropout. logSum: [batch, heads, queries], the log of
 * the sum of exp(score), from which the gradient recomputes probabilities. Dropout draws for the flat element of
 * [batch, heads, queries, keys], as the kernel `dropout` would on stored probabilities.
 *
 * Variants: `row` (an invocation a query), `subgroup` (16 queries in the registers of a subgroup of known size).
 */
import { flashAttentionRow } from '../../shaders/flashAttention.ts';
import { flashAttentionTile } from '../../shaders/flashAttentionTile.ts';
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
  ofKeys,
  ofQueries,
  queryCount,
  tileSupports,
  visibilityBinding,
} from './flashProblem.ts';
import { type KernelSpec, spread } from './spec.ts';

export const flashAttention: KernelSpec<FlashProblem> = {
  name: 'flashAttention',
  bindings: [
    ofQueries('q', 'read'),
    ofKeys('k', 'read'),
    ofKeys('v', 'read'),
    visibilityBinding,
    ofQueries('context', 'write'),
    { name: 'logSum', access: 'write', type: 'f32', length: queryCount },
  ],
  params: flashParams,
  values: flashValues,
  check: checkFlash,
  cost: (problem) => {
    const { batch, heads, queries, keys, depth } = problem;
    const elements = batch * heads * depth * 2 * (queries + keys) + queryCount(problem);
    return { flops: batch * heads * queries * keys * (4 * depth + 5), bytes: 4 * elements };
  },
  reductionLength: ({ keys, depth }) => Math.max(keys, depth),
  reference(problem, inputs) {
    const { v } = inputs;
    const rows = flashRows(problem, inputs);
    const context = new Float64Array(queryCount(problem) * problem.depth);
    for (const { line, lines, probabilities, keep } of rows) {
      lines.forEach((other, j) => {
        const share = probabilities[j] * keep[j];
        for (let d = 0; d < problem.depth; d++) context[line + d] += share * v[other + d];
      });
    }
    return { context, logSum: Float64Array.from(rows, ({ logSum }) => logSum) };
  },
  inputs: (problem, random) => ({ visibility: drawVisibility(problem, (n) => random.below(n)) }),
  awkward: awkwardFlash,
  variants: [
    {
      name: 'row',
      supports: () => true,
      source: (problem) => flashAttentionRow(flashText(problem)),
      workgroups: (problem) => spread(Math.ceil(queryCount(problem) / 64)),
    },
    {
      name: 'subgroup',
      supports: tileSupports,
      source: (problem, capabilities) =>
        flashAttentionTile(flashText(problem), flashTile(problem.depth, capabilities)),
      workgroups: (problem, capabilities) =>
        spread(
          problem.batch *
            problem.heads *
            Math.ceil(problem.queries / flashTile(problem.depth, capabilities).rows),
        ),
    },
  ],
  choose: ({ software }) => (software ? 'subgroup' : 'row'),
};
