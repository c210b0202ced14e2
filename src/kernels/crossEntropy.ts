/**
 * Softmax cross-entropy of rows of logits against labels, with the logits' gradient; probabilities are never stored.
 *
 * crossEntropy: logits [rows, pitch], of which the first `columns` of a row count, and labels [rows] → loss [rows];
 * correct [rows], 1 where the label is the largest logit (the first of them, if several are equal). A row whose label
 * is `ignoreIndex` has loss 0 and is not correct. A label that is no column costs 3·10³⁸, so that the mean shows it.
 * With `smoothing` ε the truth is 1 − ε on the label and ε spread evenly over all columns (Szegedy et al., "Rethinking the
 * Inception Architecture for Computer Vision", 2016): loss = (1 − ε) · −log p[label] + ε · mean(−log p). Where it is `weighted`,
 * weights [rows] are factors of the losses and of their gradients. With a `gradient`, also dlogits [rows, pitch], that of Σ loss / normalizer, 0 beyond the last column: `apart` from
 * the logits, or `in-place`, where dlogits holds the logits before. A normalizer of 0 makes it 0.
 * crossEntropyCount: labels → count of those that are not ignored, the usual normalizer.
 * crossEntropyTotal: loss, correct, normalizer → total = Σ loss / normalizer, hits = Σ correct, one float each. Where
 * the normalizer is 0, so is the total.
 *
 * Variants: see `rows.ts`; a pitch that is a multiple of 4 allows vec4 whatever the columns.
 */
import {
  crossEntropyCount as countShader,
  type LogitsGradient,
  crossEntropy as shader,
  crossEntropyTotal as totalShader,
} from '../../shaders/crossEntropy.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import { logSoftmaxReference } from './softmax.ts';
import type { KernelSpec } from './spec.ts';

export type { LogitsGradient } from '../../shaders/crossEntropy.ts';

export interface CrossEntropyProblem extends RowShape {
  /** Elements from one row of logits to the next, at least `columns`. */
  pitch: number;
  ignoreIndex: number;
  weighted: boolean;
  gradient: LogitsGradient;
  /** In [0, 1); 0 when left out. */
  smoothing?: number;
}

export interface LabelsProblem {
  rows: number;
  ignoreIndex: number;
}

const size = ({ rows, pitch }: CrossEntropyProblem) => rows * pitch;
const rowsOf = ({ rows }: { rows: number }) => rows;
const one = () => 1;
const pitched = ({ rows, pitch }: CrossEntropyProblem) => ({ rows, columns: pitch });
const lengths = [1, 4, 7, 512, 513, 4097, 70_000];

const shapes: readonly Omit<CrossEntropyProblem, 'gradient' | 'weighted'>[] = [
  { rows: 1, columns: 1, pitch: 1, ignoreIndex: -100 },
  { rows: 3, columns: 7, pitch: 7, ignoreIndex: -100 },
  { rows: 6, columns: 7, pitch: 12, ignoreIndex: -100 },
  { rows: 65, columns: 33, pitch: 33, ignoreIndex: 0 },
  { rows: 65, columns: 70, pitch: 128, ignoreIndex: 0 },
  { rows: 66, columns: 260, pitch: 260, ignoreIndex: -100 },
  { rows: 5, columns: 4097, pitch: 4097, ignoreIndex: -1 },
  { rows: 5, columns: 4097, pitch: 4104, ignoreIndex: -1 },
  { rows: 5, columns: 4100, pitch: 4100, ignoreIndex: -100 },
  { rows: 65_537, columns: 4, pitch: 4, ignoreIndex: -100 },
];

type Draws = { normal(): number; below(n: number): number };

/** Every other row of logits has magnitude 10⁴, and many are equal; labels are often a largest one or ignored. */
function logitsAndLabels({ rows, columns, pitch, ignoreIndex }: CrossEntropyProblem, random: Draws) {
  const logits = Float32Array.from({ length: rows * pitch }, (_, i) => {
    if (i % pitch >= columns) return 3e38;
    const x = Math.round(4 * random.normal()) / 4;
    return Math.floor(i / pitch) % 2 === 1 ? 1e4 * x : x;
  });
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    const kind = random.below(4);
    if (kind === 0) return ignoreIndex;
    if (kind === 1) return random.below(columns);
    const x = logits.subarray(row * pitch, row * pitch + columns);
    const top = Math.max(...x);
    return kind === 2 ? x.indexOf(top) : x.lastIndexOf(top);
  });
  return { logits, labels };
}

export const crossEntropy: KernelSpec<CrossEntropyProblem> = {
  name: 'crossEntropy',
  bindings: [
    {
      name: 'logits',
      access: 'read',
      type: 'f32',
      length: size,
      when: ({ gradient }) => gradient !== 'in-place',
    },
    { name: 'labels', access: 'read', type: 'i32', length: rowsOf },
    { name: 'weights', access: 'read', type: 'f32', length: rowsOf, when: ({ weighted }) => weighted },
    {
      name: 'normalizer',
      access: 'read',
      type: 'f32',
      length: one,
      when: ({ gradient }) => gradient !== 'none',
    },
    { name: 'loss', access: 'write', type: 'f32', length: rowsOf },
    { name: 'correct', access: 'write', type: 'u32', length: rowsOf },
    {
      name: 'dlogits',
      access: 'read-write',
      type: 'f32',
      length: size,
      when: ({ gradient }) => gradient !== 'none',
    },
  ],
  params: { rows: 'u32', columns: 'u32', pitch: 'u32', ignoreIndex: 'i32', smoothing: 'f32' },
  values: ({ rows, columns, pitch, ignoreIndex, smoothing = 0 }) => ({
    rows,
    columns,
    pitch,
    ignoreIndex,
    smoothing,
  }),
  cost: ({ rows, columns, gradient }) => {
    const wanted = gradient !== 'none';
    return { flops: (wanted ? 7 : 4) * rows * columns, bytes: (wanted ? 8 : 4) * rows * columns };
  },
  reductionLength: ({ columns }) => columns,
  reference: (problem, { logits, labels, weights, normalizer, dlogits }) => {
    const { rows, columns, pitch, ignoreIndex, weighted, gradient, smoothing = 0 } = problem;
    const loss = new Float64Array(rows);
    const correct = new Uint32Array(rows);
    const derivative = new Float64Array(rows * pitch);
    for (let row = 0; row < rows; row++) {
      if (labels[row] === ignoreIndex) continue;
      const x = (gradient === 'in-place' ? dlogits : logits).subarray(row * pitch, row * pitch + columns);
      const logProbabilities = logSoftmaxReference({ rows: 1, columns }, x);
      const weight = weighted ? weights[row] : 1;
      const spread = logProbabilities.reduce((sum, value) => sum + value, 0) / columns;
      loss[row] = -weight * ((1 - smoothing) * logProbabilities[labels[row]] + smoothing * spread);
      correct[row] = Number(labels[row] === x.indexOf(Math.max(...x)));
      if (gradient === 'none' || normalizer[0] === 0) continue;
      for (let c = 0; c < columns; c++) {
        const truth = (1 - smoothing) * Number(c === labels[row]) + smoothing / columns;
        derivative[row * pitch + c] = (weight * (Math.exp(logProbabilities[c]) - truth)) / normalizer[0];
      }
    }
    return { loss, correct, ...(gradient !== 'none' && { dlogits: derivative }) };
  },
  inputs: (problem, random) => {
    const { logits, labels } = logitsAndLabels(problem, random);
    const normalizer = Float32Array.of(problem.rows === 3 ? 0 : 12);
    const weights = Float32Array.from({ length: problem.rows }, () => 20 * random.uniform());
    return { labels, weights, normalizer, [problem.gradient === 'in-place' ? 'dlogits' : 'logits']: logits };
  },
  awkward: shapes.flatMap((shape) =>
    (['none', 'apart', 'in-place'] as const).flatMap((gradient) => [
      { ...shape, weighted: false, gradient },
      { ...shape, weighted: true, gradient },
      ...(shape.pitch > shape.columns ? [{ ...shape, weighted: true, gradient, smoothing: 0.1 }] : []),
    ]),
  ),
  variants: rowVariants(pitched, (team, { gradient, weighted, smoothing = 0 }) =>
    shader(team, { gradient, weighted, smoothed: smoothing > 0 }),
  ),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, pitched(problem)),
};

const asOneRow = ({ rows }: { rows: number }) => ({ rows: 1, columns: rows });

export const crossEntropyCount: KernelSpec<LabelsProblem> = {
  name: 'crossEntropyCount',
  bindings: [
    { name: 'labels', access: 'read', type: 'i32', length: rowsOf },
    { name: 'count', access: 'write', type: 'f32', length: one },
  ],
  params: { rows: 'u32', columns: 'u32', ignoreIndex: 'i32' },
  values: ({ rows, ignoreIndex }) => ({ rows: 1, columns: rows, ignoreIndex }),
  cost: ({ rows }) => ({ flops: rows, bytes: 4 * rows }),
  reductionLength: one,
  reference: ({ ignoreIndex }, { labels }) => ({
    count: Float64Array.of(Array.from(labels).filter((label) => label !== ignoreIndex).length),
  }),
  inputs: ({ rows, ignoreIndex }, random) => ({
    labels: Int32Array.from({ length: rows }, () => (random.below(4) === 0 ? random.below(99) : ignoreIndex)),
  }),
  awkward: lengths.flatMap((rows) => [
    { rows, ignoreIndex: -100 },
    { rows, ignoreIndex: 0 },
  ]),
  variants: rowVariants(asOneRow, countShader),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, asOneRow(problem)),
};

export const crossEntropyTotal: KernelSpec<{ rows: number }> = {
  name: 'crossEntropyTotal',
  bindings: [
    { name: 'loss', access: 'read', type: 'f32', length: rowsOf },
    { name: 'correct', access: 'read', type: 'u32', length: rowsOf },
    { name: 'normalizer', access: 'read', type: 'f32', length: one },
    { name: 'total', access: 'write', type: 'f32', length: one },
    { name: 'hits', access: 'write', type: 'f32', length: one },
  ],
  params: { rows: 'u32', columns: 'u32' },
  values: ({ rows }) => ({ rows: 1, columns: rows }),
  cost: ({ rows }) => ({ flops: 2 * rows, bytes: 8 * rows }),
  reductionLength: rowsOf,
  reference: (_, { loss, correct, normalizer }) => {
    let sum = 0;
    let right = 0;
    for (const value of loss) sum += value;
    for (const value of correct) right += value;
    const total = normalizer[0] > 0 ? sum / normalizer[0] : 0;
    return { total: Float64Array.of(total), hits: Float64Array.of(right) };
  },
  inputs: ({ rows }, random) => ({
    loss: Float32Array.from({ length: rows }, () => 10 * random.uniform()),
    correct: Uint32Array.from({ length: rows }, () => random.below(2)),
    normalizer: Float32Array.of(rows === 4 ? 0 : 77),
  }),
  awkward: lengths.map((rows) => ({ rows })),
  variants: rowVariants(asOneRow, totalShader),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, asOneRow(problem)),
};
