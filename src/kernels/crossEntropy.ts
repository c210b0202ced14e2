/**
 * Softmax cross-entropy of rows of logits against labels, with the logits' gradient; probabilities are never stored.
 *
 * crossEntropy: logits [rows, columns], labels [rows] → loss [rows]; correct [rows], 1 where the label is the largest
 * logit (the first of them, if several are equal); logSumExp [rows, 2], the largest logit and the logarithm of
 * Σ exp(logit − largest), kept apart because their sum would lose the digits of the second. A row whose label is
 * `ignoreIndex` has loss 0 and is not correct. A label that is no column costs 3·10³⁸, so that the mean shows it.
 * crossEntropyTotal: → total = Σ loss / normalizer, count of rows that are not ignored, hits = Σ correct, one float
 * each. The normalizer is the count, or a number given from outside. Where it is 0, so is the total.
 * crossEntropyBackward: gradient [1] of the total and the normalizer [1] → dlogits.
 *
 * Variants: see `rows.ts`.
 */
import {
  crossEntropyBackward as backwardShader,
  crossEntropy as shader,
  crossEntropyTotal as totalShader,
} from '../../shaders/crossEntropy.ts';
import { chooseRowVariant, type RowShape, rowVariants } from './rows.ts';
import { logSoftmaxReference } from './softmax.ts';
import type { KernelSpec } from './spec.ts';

export interface CrossEntropyProblem extends RowShape {
  ignoreIndex: number;
}

export interface CrossEntropyTotalProblem {
  rows: number;
  ignoreIndex: number;
  /** Whether the normalizer is given; otherwise it is the number of rows that count. */
  normalizer: boolean;
}

const size = ({ rows, columns }: RowShape) => rows * columns;
const rowsOf = ({ rows }: { rows: number }) => rows;
const one = () => 1;

const awkward: readonly CrossEntropyProblem[] = [
  { rows: 1, columns: 1, ignoreIndex: -100 },
  { rows: 3, columns: 7, ignoreIndex: -100 },
  { rows: 65, columns: 33, ignoreIndex: 0 },
  { rows: 66, columns: 260, ignoreIndex: -100 },
  { rows: 5, columns: 4097, ignoreIndex: -1 },
  { rows: 5, columns: 4100, ignoreIndex: -100 },
  { rows: 65_537, columns: 4, ignoreIndex: -100 },
];

type Draws = { normal(): number; below(n: number): number };

/** Every other row of logits has magnitude 10⁴, and many are equal; labels are often a largest one or ignored. */
function logitsAndLabels({ rows, columns, ignoreIndex }: CrossEntropyProblem, random: Draws) {
  const logits = Float32Array.from({ length: rows * columns }, (_, i) => {
    const x = Math.round(4 * random.normal()) / 4;
    return Math.floor(i / columns) % 2 === 1 ? 1e4 * x : x;
  });
  const labels = Int32Array.from({ length: rows }, (_, row) => {
    const kind = random.below(4);
    if (kind === 0) return ignoreIndex;
    if (kind === 1) return random.below(columns);
    const top = Math.max(...logits.subarray(row * columns, (row + 1) * columns));
    const from = row * columns;
    return (kind === 2 ? logits.indexOf(top, from) : logits.lastIndexOf(top, from + columns - 1)) - from;
  });
  return { logits, labels };
}

export const crossEntropy: KernelSpec<CrossEntropyProblem> = {
  name: 'crossEntropy',
  bindings: [
    { name: 'logits', access: 'read', type: 'f32', length: size },
    { name: 'labels', access: 'read', type: 'i32', length: rowsOf },
    { name: 'loss', access: 'write', type: 'f32', length: rowsOf },
    { name: 'logSumExp', access: 'write', type: 'f32', length: ({ rows }) => 2 * rows },
    { name: 'correct', access: 'write', type: 'u32', length: rowsOf },
  ],
  params: { rows: 'u32', columns: 'u32', ignoreIndex: 'i32' },
  values: ({ rows, columns, ignoreIndex }) => ({ rows, columns, ignoreIndex }),
  cost: (problem) => ({ flops: 4 * size(problem), bytes: 4 * size(problem) }),
  reductionLength: ({ columns }) => columns,
  reference: (problem, { logits, labels }) => {
    const { rows, columns, ignoreIndex } = problem;
    const logProbabilities = logSoftmaxReference(problem, logits);
    const loss = new Float64Array(rows);
    const logSumExp = new Float64Array(2 * rows);
    const correct = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      const x = logits.subarray(row * columns, (row + 1) * columns);
      const first = x.indexOf(Math.max(...x));
      logSumExp[2 * row] = x[first];
      logSumExp[2 * row + 1] = -logProbabilities[row * columns + first];
      if (labels[row] === ignoreIndex) continue;
      loss[row] = -logProbabilities[row * columns + labels[row]];
      correct[row] = Number(labels[row] === first);
    }
    return { loss, logSumExp, correct };
  },
  inputs: logitsAndLabels,
  awkward,
  variants: rowVariants((problem) => problem, shader),
  choose: chooseRowVariant,
};

const totalShape = ({ rows }: CrossEntropyTotalProblem) => ({ rows: 1, columns: rows });

export const crossEntropyTotal: KernelSpec<CrossEntropyTotalProblem> = {
  name: 'crossEntropyTotal',
  bindings: [
    { name: 'loss', access: 'read', type: 'f32', length: rowsOf },
    { name: 'correct', access: 'read', type: 'u32', length: rowsOf },
    { name: 'labels', access: 'read', type: 'i32', length: rowsOf },
    { name: 'normalizer', access: 'read', type: 'f32', length: one, when: (problem) => problem.normalizer },
    { name: 'total', access: 'write', type: 'f32', length: one },
    { name: 'count', access: 'write', type: 'f32', length: one },
    { name: 'hits', access: 'write', type: 'f32', length: one },
  ],
  params: { rows: 'u32', columns: 'u32', ignoreIndex: 'i32' },
  values: ({ rows, ignoreIndex }) => ({ rows: 1, columns: rows, ignoreIndex }),
  cost: ({ rows }) => ({ flops: 3 * rows, bytes: 12 * rows }),
  reductionLength: rowsOf,
  reference: ({ rows, ignoreIndex }, { loss, correct, labels, normalizer }) => {
    let sum = 0;
    let count = 0;
    let right = 0;
    for (let row = 0; row < rows; row++) {
      sum += loss[row];
      count += Number(labels[row] !== ignoreIndex);
      right += correct[row];
    }
    const n = normalizer?.[0] ?? count;
    const total = n > 0 ? sum / n : 0;
    return { total: Float64Array.of(total), count: Float64Array.of(count), hits: Float64Array.of(right) };
  },
  inputs: ({ rows, ignoreIndex, normalizer }, random) => {
    const labels = Int32Array.from({ length: rows }, () =>
      random.below(4) === 0 ? 1 + random.below(99) : ignoreIndex,
    );
    if (rows < 5) labels.fill(ignoreIndex);
    const counts = (row: number) => Number(labels[row] !== ignoreIndex);
    return {
      labels,
      loss: Float32Array.from({ length: rows }, (_, row) => counts(row) * 10 * random.uniform()),
      correct: Uint32Array.from({ length: rows }, (_, row) => counts(row) * random.below(2)),
      ...(normalizer && { normalizer: Float32Array.of(rows === 4 ? 0 : 77) }),
    };
  },
  awkward: [1, 4, 7, 512, 513, 4097, 70_000].flatMap((rows) => [
    { rows, ignoreIndex: -100, normalizer: false },
    { rows, ignoreIndex: 0, normalizer: true },
  ]),
  variants: rowVariants(totalShape, (team, { normalizer }) => totalShader(team, normalizer)),
  choose: (capabilities, problem) => chooseRowVariant(capabilities, totalShape(problem)),
};

export const crossEntropyBackward: KernelSpec<CrossEntropyProblem> = {
  name: 'crossEntropyBackward',
  bindings: [
    { name: 'logits', access: 'read', type: 'f32', length: size },
    { name: 'labels', access: 'read', type: 'i32', length: rowsOf },
    { name: 'logSumExp', access: 'read', type: 'f32', length: ({ rows }) => 2 * rows },
    { name: 'gradient', access: 'read', type: 'f32', length: one },
    { name: 'normalizer', access: 'read', type: 'f32', length: one },
    { name: 'dlogits', access: 'write', type: 'f32', length: size },
  ],
  params: { rows: 'u32', columns: 'u32', ignoreIndex: 'i32' },
  values: ({ rows, columns, ignoreIndex }) => ({ rows, columns, ignoreIndex }),
  cost: (problem) => ({ flops: 4 * size(problem), bytes: 8 * size(problem) }),
  reductionLength: one,
  reference: ({ rows, columns, ignoreIndex }, { logits, labels, logSumExp, gradient, normalizer }) => {
    const dlogits = new Float64Array(rows * columns);
    for (let i = 0; i < dlogits.length; i++) {
      const row = Math.floor(i / columns);
      if (labels[row] === ignoreIndex || normalizer[0] === 0) continue;
      const p = Math.exp(logits[i] - logSumExp[2 * row] - logSumExp[2 * row + 1]);
      const own = Number(i % columns === labels[row]);
      dlogits[i] = ((p - own) * gradient[0]) / normalizer[0];
    }
    return { dlogits };
  },
  inputs: (problem, random) => {
    const { logits, labels } = logitsAndLabels(problem, random);
    const { logSumExp } = crossEntropy.reference(problem, { logits, labels });
    const normalizer = Float32Array.of(problem.rows === 3 ? 0 : 12);
    return { logits, labels, logSumExp: Float32Array.from(logSumExp), normalizer };
  },
  awkward,
  variants: rowVariants((problem) => problem, backwardShader),
  choose: chooseRowVariant,
};
