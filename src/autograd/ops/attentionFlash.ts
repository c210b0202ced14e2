/**
 * Attention that stores no probabilities (Dao et al., "FlashAttention", 2022). What the gradient needs of the masks and of
 * dropout's state is kept as the forward pass saw it.
 */
import { attentionVisibility, visibilityFours } from '../../kernels/attentionVisibility.ts';
import { flashAttention as kernel } from '../../kernels/flashAttention.ts';
import { flashKeys, flashQueries, flashStatistics } from '../../kernels/flashAttentionBackward.ts';
import type { FlashProblem } from '../../kernels/flashProblem.ts';
import { commonType } from '../shape.ts';
import { record } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import type { AttentionCall } from './attentionComposed.ts';

/** The context, of the queries' shape. */
export function flashAttention(q: Tensor, k: Tensor, v: Tensor, call: AttentionCall): Tensor {
  const { engine } = q;
  const { batch, heads, queries, keys, depth, apart, scale } = call;
  const { order, mask, prefix, segments, window, dropout } = call;
  const holes = mask !== undefined || segments !== undefined;
  const masked = holes || order !== 'any' || window >= 0;
  const problem: FlashProblem = {
    batch,
    heads,
    queries,
    keys,
    depth,
    apart,
    scale,
    masked,
    holes,
    p: dropout?.p ?? 0,
    layer: dropout?.layer ?? 0,
  };
  const see = () => {
    const shape = { batch, queries, keys };
    const visibility = engine.empty([4 * visibilityFours(shape)], 'u32');
    engine.run(
      attentionVisibility,
      {
        ...shape,
        padding: mask !== undefined,
        order,
        segments: segments !== undefined,
        window,
        dropout: dropout !== undefined,
      },
      { mask, prefix, segments, state: dropout?.state, visibility },
    );
    return visibility;
  };
  const operands = { q: engine.operand(q), k: engine.operand(k), v: engine.operand(v) };
  const context = engine.empty(q.shape, commonType(operands.q, operands.k, operands.v));
  engine.scope(() => {
    const visibility = masked || dropout ? see() : undefined;
    const logSum = engine.empty([batch, heads, queries]);
    engine.run(kernel, problem, { ...operands, visibility, context, logSum });
    record('attention', [q, k, v], context, {
      save: [operands.q, operands.k, operands.v, context, logSum, ...(visibility ? [visibility] : [])],
      vjp: (gradient, [q, k, v, context, logSum, visibility], needs) => {
        const statistics = engine.empty([batch, heads, queries, 2]);
        engine.run(flashStatistics, problem, { gradient, context, logSum, statistics });
        const operands = { q, k, v, gradient, statistics, visibility };
        const dq = needs[0] ? engine.empty(q.shape, q.dtype) : undefined;
        if (dq) engine.run(flashQueries, problem, { ...operands, dq });
        if (!needs[1] && !needs[2]) return [dq, undefined, undefined];
        const [dk, dv] = [engine.empty(k.shape, k.dtype), engine.empty(v.shape, v.dtype)];
        engine.run(flashKeys, problem, { ...operands, dk, dv });
        return [dq, needs[1] ? dk : undefined, needs[2] ? dv : undefined];
      },
    });
  });
  return context;
}
