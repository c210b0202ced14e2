/**
 * Scaled dot-product attention, softmax(scale q kᵀ, masked) v, of several heads at once (Vaswani et al., 2017). There are two
 * implementations, which compute the same: `composed` out of matrix products, which stores the probabilities, O(T²)
 * memory per head, and `flash`, which recomputes them, O(T).
 */
import { ClozeError } from '../../gpu/index.ts';
import { maxDepth, tileSupports } from '../../kernels/flashProblem.ts';
import { checkFloat, isFloat } from '../shape.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { type AttentionCall, attentionProbabilities, composedAttention } from './attentionComposed.ts';
import { flashAttention } from './attentionFlash.ts';

/** Which keys a query sees: those that every mask given lets it see. Nothing given: all of them. */
export interface AttentionMask {
  /** [B, S]: keys where it is 0 are hidden from every query. */
  mask?: Tensor;
  /** A query sees the keys up to its own position. */
  causal?: boolean;
  /** [B], u32 or i32: a query sees the keys up to its own position, and the first `prefix` ones of its item. */
  prefix?: Tensor;
  /** A query i sees the keys j with |i − j| ≤ window. */
  window?: number;
  /**
   * [B, T], u32 or i32, where there are as many keys as queries: a query sees the keys of its own segment, as where several
   * documents are packed into a row. A token of segment −1 sees nothing and is seen by nobody.
   */
  segments?: Tensor;
}

export interface AttentionOptions extends AttentionMask {
  /** What q · k is multiplied with. Default 1 / √D. */
  scale?: number;
  /** Drops probabilities, as the op `dropout` would. */
  dropout?: { p: number; layer: number; state: Tensor };
  /** Whether the result holds the probabilities, which costs O(T²) memory. Default false. */
  probabilities?: boolean;
  /**
   * Default: `composed` where probabilities are asked for; else `flash` from 512 tokens on, and on shorter rows where no
   * gradient is recorded and it is the faster one.
   */
  implementation?: 'composed' | 'flash';
}

export interface AttentionResult {
  /** Of the queries' shape. */
  context: Tensor;
  /** [B, H, T, S], before dropout; hidden keys have exactly 0. No gradient flows in through it. When asked for. */
  probabilities: Tensor | undefined;
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
  return attend(q, k, v, { batch, heads, queries, keys, depth: width / heads, apart: false }, options);
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
  return attend(q, k, v, { batch, heads, queries, keys, depth, apart: true }, options);
}

type Sizes = Pick<AttentionCall, 'batch' | 'heads' | 'queries' | 'keys' | 'depth' | 'apart'>;

/** Tokens from which on the probabilities are not worth their memory. */
const long = 512;

/**
 * `flash` from 512 tokens on; on shorter rows where nothing is recorded for a gradient and the adapter computes on a CPU with
 * subgroups of 8 or more, where it is the faster one; else `composed`, which computes gradients with four products
 * where `flash` takes seven, and takes heads of any depth. docs/log.md has the measurements.
 */
function chooseImplementation(q: Tensor, recording: boolean, sizes: Sizes): 'composed' | 'flash' {
  if (sizes.depth > maxDepth) return 'composed';
  if (Math.max(sizes.queries, sizes.keys) >= long) return 'flash';
  const { capabilities } = q.engine.device;
  const { software, subgroupMinSize } = capabilities;
  const fast = software && subgroupMinSize >= 8 && tileSupports(capabilities, sizes) === true;
  return fast && !recording ? 'flash' : 'composed';
}

function attend(q: Tensor, k: Tensor, v: Tensor, sizes: Sizes, options: AttentionOptions): AttentionResult {
  checkFloat('attention', q, k, v);
  const { batch, queries, keys, depth } = sizes;
  const { mask, causal, prefix, segments, window, dropout } = options;
  checkMask('mask', mask, [batch, keys]);
  checkMask('prefix', prefix, [batch]);
  checkMask('segments', segments, [batch, keys]);
  if (segments && queries !== keys) {
    const count = `${queries} queries and ${keys} keys`;
    throw new ClozeError('shape', `attention of ${count} by segments: there must be as many of either`);
  }
  if (window !== undefined && !(Number.isInteger(window) && window >= 0)) {
    throw new ClozeError(
      'option',
      `attention within a window of ${window}: it must be a whole number from 0`,
    );
  }
  const call: AttentionCall = {
    ...sizes,
    scale: options.scale ?? 1 / Math.sqrt(depth),
    order: prefix ? 'prefix' : causal ? 'causal' : 'any',
    mask,
    prefix,
    segments,
    window: window ?? -1,
    dropout: dropout && dropout.p > 0 ? dropout : undefined,
  };
  const recording = q.engine.tape.recording && [q, k, v].some((tensor) => tensor.requiresGrad);
  const asked = options.probabilities === true;
  const best = asked ? 'composed' : chooseImplementation(q, recording, sizes);
  if ((options.implementation ?? best) === 'composed') {
    const { context, probabilities } = composedAttention(q, k, v, call);
    if (asked) return { context, probabilities };
    probabilities.dispose(); // The tape has a hold of its own where there will be a gradient.
    return { context, probabilities: undefined };
  }
  const context = flashAttention(q, k, v, call);
  return { context, probabilities: asked ? attentionProbabilities(q, k, call) : undefined };
}

function checkMask(name: string, tensor: Tensor | undefined, shape: Shape): void {
  if (!tensor) return;
  if (tensor.shape.join() !== shape.join()) {
    throw new ClozeError('shape', `attention with a ${name} of ${tensor}: it must be [${shape.join(', ')}]`);
  }
  if (isFloat(tensor)) {
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
