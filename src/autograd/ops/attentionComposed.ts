/** Attention out of matrix products, a softmax and a dropout. The probabilities are stored for the gradient. */
import { dropout as dropoutKernel } from '../../kernels/dropout.ts';
import { maskedSoftmax } from '../../kernels/maskedSoftmax.ts';
import {
  type HeadsSizes,
  type MatmulProblem,
  matmul,
  scoresProblem,
  weightedSumProblem,
  weightedSumTransposedProblem,
} from '../../kernels/matmul.ts';
import { softmaxBackward } from '../../kernels/softmax.ts';
import { commonType } from '../shape.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';

/** Attention with its sizes known and its options checked. */
export interface AttentionCall {
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  depth: number;
  /** Heads on an axis of their own, [B, H, T, D], and not side by side, [B, T, H·D]. */
  apart: boolean;
  scale: number;
  order: 'any' | 'causal' | 'prefix';
  mask: Tensor | undefined;
  prefix: Tensor | undefined;
  segments: Tensor | undefined;
  /** −1: none. */
  window: number;
  dropout: { p: number; layer: number; state: Tensor } | undefined;
}

/** Heads apart are, in memory, a batch of B·H items with one head each. */
const productSizes = ({ batch, heads, queries, keys, depth, apart }: AttentionCall): HeadsSizes => ({
  batch: apart ? batch * heads : batch,
  heads: apart ? 1 : heads,
  rows: queries,
  columns: keys,
  depth,
});

function product(problem: MatmulProblem, a: Tensor, b: Tensor, shape: Shape): Tensor {
  const c = a.engine.empty(shape, commonType(a, b));
  a.engine.run(matmul, problem, { a, b, c });
  return c;
}

/** softmax(scale q kᵀ, masked): [B, H, T, S], outside the tape. */
export function attentionProbabilities(q: Tensor, k: Tensor, call: AttentionCall): Tensor {
  const { batch, heads, queries, keys, scale, order, mask, prefix, segments, window } = call;
  const problem = scoresProblem({ ...productSizes(call), alpha: scale });
  const scores = product(problem, q, k, [batch, heads, queries, keys]);
  const masks = { padding: mask !== undefined, order, segments: segments !== undefined, window };
  q.engine.run(maskedSoftmax, { batch, heads, queries, keys, ...masks }, { scores, mask, prefix, segments });
  return scores;
}

export function composedAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  call: AttentionCall,
): { context: Tensor; probabilities: Tensor } {
  const { engine } = q;
  const { batch, heads, queries, keys, dropout } = call;
  const sizes = productSizes(call);
  const scaled = { ...sizes, alpha: call.scale };
  const scoresShape = [batch, heads, queries, keys];
  const drop = (x: Tensor, state: Tensor) => {
    if (!dropout) return x;
    const y = engine.empty(x.shape, x.dtype);
    const { p, layer } = dropout;
    engine.run(dropoutKernel, { count: x.size, p, layer }, { x, state, y });
    return y;
  };

  const operands = [q, k, v].map((x) => engine.operand(x));
  const probabilities = attentionProbabilities(operands[0], operands[1], call);
  const context = engine.scope(() => {
    const kept = dropout ? drop(probabilities, dropout.state) : probabilities;
    return product(weightedSumProblem(sizes), kept, operands[2], q.shape);
  });
  record('attention', [q, k, v], context, {
    save: [...operands, probabilities, ...(dropout ? [dropout.state] : [])],
    vjp: (grad, [q, k, v, probabilities, state], needs) => {
      const dv = () =>
        product(weightedSumTransposedProblem(sizes), drop(probabilities, state), grad, v.shape);
      const dscores = () => {
        const dprobabilities = drop(product(scoresProblem(sizes), grad, v, scoresShape), state);
        const dx = engine.empty(scoresShape, dprobabilities.dtype);
        const shape = { rows: batch * heads * queries, columns: keys, log: false };
        engine.run(softmaxBackward, shape, { y: probabilities, dy: dprobabilities, dx });
        return dx;
      };
      const ds = needs[0] || needs[1] ? dscores() : undefined;
      return [
        ds && needs[0] ? product(weightedSumProblem(scaled), ds, k, q.shape) : undefined,
        ds && needs[1] ? product(weightedSumTransposedProblem(scaled), ds, q, k.shape) : undefined,
        needs[2] ? dv() : undefined,
      ];
    },
  });
  return { context, probabilities };
}
