/**
 * Scaled dot-product attention, softmax(scale q kᵀ, masked) v, of several heads at once (Vaswani et al., 2017).
 * The probabilities are stored for the gradient: O(T²) memory per head.
 */
import { ClozeError } from '../../gpu/index.ts';
import { dropout as dropoutKernel } from '../../kernels/dropout.ts';
import { type MaskedSoftmaxProblem, maskedSoftmax } from '../../kernels/maskedSoftmax.ts';
import {
  type HeadsSizes,
  type MatmulProblem,
  matmul,
  scoresProblem,
  weightedSumProblem,
  weightedSumTransposedProblem,
} from '../../kernels/matmul.ts';
import { softmaxBackward } from '../../kernels/softmax.ts';
import { record } from '../tape.ts';
import type { Shape, Tensor } from '../tensor.ts';

/** Which keys a query sees. Nothing given: all of them. */
export interface AttentionMask {
  /** [B, S]: keys where it is 0 are hidden from every query. */
  mask?: Tensor;
  /** A query sees the keys up to its own position. */
  causal?: boolean;
  /** [B], u32 or i32: a query sees the keys up to its own position, and the first `prefix` ones of its item. */
  prefix?: Tensor;
}

export interface AttentionOptions extends AttentionMask {
  /** What q · k is multiplied with. Default 1 / √D. */
  scale?: number;
  /** Drops probabilities, as the op `dropout` would. */
  dropout?: { p: number; layer: number; state: Tensor };
}

export interface AttentionResult {
  /** Of the queries' shape. */
  context: Tensor;
  /** [B, H, T, S], before dropout; hidden keys have exactly 0. No gradient flows in through it. */
  probabilities: Tensor;
}

/**
 * Attention over heads that stand side by side: q [B, T, H·D], k and v [B, S, H·D] → context [B, T, H·D]. A query that
 * sees no key attends to all of them evenly. Throws `shape` when the tensors, masks or heads do not fit.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions & { heads: number },
): AttentionResult {
  const { heads } = options;
  const [batch, queries, width] = q.shape;
  const [, keys] = k.shape;
  const fits = q.shape.length === 3 && width % heads === 0;
  if (!fits || k.shape.join() !== [batch, keys, width].join() || v.shape.join() !== k.shape.join()) {
    refuse(q, k, v, `[batch, tokens, heads · depth] with ${heads} heads`);
  }
  const sizes = { batch, heads, rows: queries, columns: keys, depth: width / heads };
  return attend(q, k, v, sizes, { batch, heads, queries, keys }, options);
}

/** The same with an axis of its own for the heads: q [B, H, T, D], k and v [B, H, S, D] → context [B, H, T, D]. */
export function scaledDotProductAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): AttentionResult {
  const [batch, heads, queries, depth] = q.shape;
  const keys = k.shape[2];
  const fits = q.shape.length === 4 && k.shape.join() === [batch, heads, keys, depth].join();
  if (!fits || v.shape.join() !== k.shape.join()) refuse(q, k, v, '[batch, heads, tokens, depth]');
  // In memory this is a batch of B·H items with one head each.
  const sizes = { batch: batch * heads, heads: 1, rows: queries, columns: keys, depth };
  return attend(q, k, v, sizes, { batch, heads, queries, keys }, options);
}

type ScoresSizes = Pick<MaskedSoftmaxProblem, 'batch' | 'heads' | 'queries' | 'keys'>;

function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  sizes: HeadsSizes,
  { batch, heads, queries, keys }: ScoresSizes,
  options: AttentionOptions,
): AttentionResult {
  const { engine } = q;
  const { mask, causal, prefix, dropout, scale = 1 / Math.sqrt(sizes.depth) } = options;
  checkMask('mask', mask, [batch, keys]);
  checkMask('prefix', prefix, [batch]);
  const scoresShape = [batch, heads, queries, keys];
  const scaled = { ...sizes, alpha: scale };

  const product = (problem: MatmulProblem, a: Tensor, b: Tensor, shape: Shape) => {
    const c = engine.empty(shape);
    engine.run(matmul, problem, { a, b, c });
    return c;
  };
  const drop = (x: Tensor, state: Tensor) => {
    if (!dropout) return x;
    const y = engine.empty(x.shape);
    const { p, layer } = dropout;
    engine.run(dropoutKernel, { count: x.size, p, layer }, { x, state, y });
    return y;
  };

  const probabilities = product(scoresProblem(scaled), q, k, scoresShape);
  const order = prefix ? 'prefix' : causal ? 'causal' : 'any';
  engine.run(
    maskedSoftmax,
    { batch, heads, queries, keys, padding: mask !== undefined, order },
    { scores: probabilities, mask, prefix },
  );
  const context = engine.scope(() => {
    const kept = dropout ? drop(probabilities, dropout.state) : probabilities;
    return product(weightedSumProblem(sizes), kept, v, q.shape);
  });
  record('attention', [q, k, v], context, {
    save: [q, k, v, probabilities, ...(dropout ? [dropout.state] : [])],
    vjp: (grad, [q, k, v, probabilities, state], needs) => {
      const dv = () =>
        product(weightedSumTransposedProblem(sizes), drop(probabilities, state), grad, v.shape);
      const dscores = () => {
        const dprobabilities = drop(product(scoresProblem(sizes), grad, v, scoresShape), state);
        const dx = engine.empty(scoresShape);
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

function checkMask(name: string, tensor: Tensor | undefined, shape: Shape): void {
  if (!tensor) return;
  if (tensor.shape.join() !== shape.join()) {
    throw new ClozeError('shape', `attention with a ${name} of ${tensor}: it must be [${shape.join(', ')}]`);
  }
  if (tensor.dtype === 'f32') {
    throw new ClozeError(
      'dtype',
      `attention wants whole numbers for ${name}, and got floats`,
      'Use u32 or i32',
    );
  }
}

function refuse(q: Tensor, k: Tensor, v: Tensor, layout: string): never {
  throw new ClozeError('shape', `attention of q ${q}, k ${k} and v ${v}: all must be ${layout}`);
}
