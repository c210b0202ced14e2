/**
 * Draws a class for each row of logits by the probabilities of their softmax, with the Gumbel-max trick (Gumbel, 1954): the
 * largest of logit − log E, where E are exponential random numbers. No probabilities are computed, and nothing is stored of the
 * noise: that of element i is word i of the stream (seed, step, layer), see `random.ts`.
 *
 * sampleRows: logits [rows, columns], state [seed, step] → chosen [rows], u32; oneHot [rows, columns], 1 at the chosen column.
 * markReplaced: chosen [count], truth [count] i32, negative where nothing counts, positions [count] → labels, i32: 1 at the
 * position of each token that was replaced by another one, and elsewhere as it was. Positions that count are different ones.
 *
 * Variants: see `rows.ts`.
 */
import { markReplaced as markShader, sampleRows as shader } from '../../shaders/sampleRows.ts';
import { Random } from './random.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import { type KernelSpec, spread } from './spec.ts';

export interface SampleProblem extends RowShape {
  /** Sets this use apart from others that read the same state. */
  layer: number;
}

const size = ({ rows, columns }: SampleProblem) => rows * columns;

export const sampleRows: KernelSpec<SampleProblem> = {
  name: 'sampleRows',
  bindings: [
    { name: 'logits', access: 'read', type: 'f32', length: size },
    { name: 'state', access: 'read', type: 'u32', length: () => 2 },
    { name: 'chosen', access: 'write', type: 'u32', length: ({ rows }) => rows },
    { name: 'oneHot', access: 'write', type: 'f32', length: size },
  ],
  params: { rows: 'u32', columns: 'u32', layer: 'u32' },
  values: ({ rows, columns, layer }) => ({ rows, columns, layer }),
  cost: (problem) => ({ flops: 4 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: () => 1,
  reference: ({ rows, columns, layer }, { logits, state }) => {
    const random = new Random(state[0], state[1], layer);
    const chosen = new Uint32Array(rows);
    const oneHot = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      let best = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < columns; c++) {
        const u = ((random.uint32() >>> 9) + 0.5) / 8388608;
        const score = logits[row * columns + c] - Math.log(-Math.log1p(-u));
        if (score <= best) continue;
        best = score;
        chosen[row] = c;
      }
      oneHot[row * columns + chosen[row]] = 1;
    }
    return { chosen, oneHot };
  },
  inputs: (_, random) => ({ state: Uint32Array.of(random.below(2 ** 32), 3) }),
  untimed: ['layer'],
  awkward: [
    { rows: 1, columns: 1, layer: 0 },
    { rows: 3, columns: 7, layer: 1 },
    { rows: 65, columns: 64, layer: 4_000_000_000 },
    { rows: 130, columns: 33, layer: 2 },
    { rows: 5, columns: 4097, layer: 2 },
    { rows: 5, columns: 4100, layer: 2 },
  ],
  variants: rowVariants(({ rows, columns }) => ({ rows, columns }), shader),
  choose: chooseRowVariant,
};

export const markReplaced: KernelSpec<{ count: number; tokens: number }> = {
  name: 'markReplaced',
  bindings: [
    { name: 'chosen', access: 'read', type: 'u32', length: ({ count }) => count },
    { name: 'truth', access: 'read', type: 'i32', length: ({ count }) => count },
    { name: 'positions', access: 'read', type: 'u32', length: ({ count }) => count },
    { name: 'labels', access: 'read-write', type: 'i32', length: ({ tokens }) => tokens },
  ],
  params: { count: 'u32' },
  values: ({ count }) => ({ count }),
  cost: ({ count }) => ({ flops: count, bytes: 16 * count }),
  reductionLength: () => 1,
  reference: ({ count }, { chosen, truth, positions, labels }) => {
    const after = Float64Array.from(labels);
    for (let i = 0; i < count; i++) if (truth[i] >= 0 && chosen[i] !== truth[i]) after[positions[i]] = 1;
    return { labels: after };
  },
  inputs: ({ count, tokens }, random) => ({
    chosen: Uint32Array.from({ length: count }, () => random.below(3)),
    truth: Int32Array.from({ length: count }, () => random.below(4) - 1),
    positions: Uint32Array.from({ length: count }, (_, i) => tokens - 1 - i),
    labels: Int32Array.from({ length: tokens }, () => (random.below(4) === 0 ? -100 : 0)),
  }),
  awkward: [
    { count: 1, tokens: 1 },
    { count: 65, tokens: 200 },
    { count: 4_200_000, tokens: 4_200_000 },
  ],
  variants: [
    {
      name: 'element',
      supports: () => true,
      source: () => markShader(),
      workgroups: ({ count }) => spread(Math.ceil(count / 64)),
    },
  ],
};
