/**
 * Sums and maxima over the middle axis of x: [outer, length, inner].
 *
 * `sum`: y[o, part, i] = scale · Σ x[o, r, i] over the r of a part, added to what y held if asked. A long sum with few results is cut into `parts`
 * that are summed in a second run; `sumParts` says into how many. Nothing depends on the order in which invocations
 * run, so the result is the same every time.
 * `sumSquares`: partials of Σ x² over each row of x: [rows, count], for the norms of gradients and of matrices.
 * `max`: y: [outer, inner] and the index of the first maximum; `maxBackward` hands dy to that element alone.
 *
 * Variants of the sums: `scalar` (anything), `columns` (inner a multiple of 4: four results an invocation), `terms`
 * (inner 1 and length a multiple of 4: four terms a load).
 */
import {
  maxBackward as maxBackwardShader,
  max as maxShader,
  type SumText,
  sum as sumShader,
} from '../../shaders/reduce.ts';
import { type KernelSpec, type NumberArray, type Precision, spread } from './spec.ts';

export interface ReduceProblem {
  outer: number;
  length: number;
  inner: number;
}

export interface SumProblem extends ReduceProblem {
  parts: number;
  scale: number;
  accumulate: boolean;
}

/** Into how many parts to cut a sum; 1 when it is short or has results enough to keep a GPU busy. */
export function sumParts({ outer, length, inner }: ReduceProblem): number {
  const results = outer * inner;
  if (length < 512 || results >= 8192) return 1;
  return Math.min(Math.ceil(length / 128), Math.ceil(8192 / results));
}

/** Terms in a part: a multiple of 4, the last part may have fewer. */
const chunkOf = ({ length, parts }: SumProblem) => 4 * Math.ceil(length / parts / 4);

const sumParams = {
  outer: 'u32',
  length: 'u32',
  inner: 'u32',
  parts: 'u32',
  chunk: 'u32',
  scale: 'f32',
  accumulate: 'u32',
} as const;

/** The variant that loads in one of three ways; `results` is how many sums an invocation makes. */
function sumVariant(text: SumText, results: number, supports: (problem: SumProblem) => true | string) {
  return {
    name: text.load === 'one' ? 'scalar' : text.load,
    supports: (_: unknown, problem: SumProblem) => supports(problem),
    source: ({ f16 }: Precision) => sumShader({ ...text, f16 }),
    workgroups: ({ outer, parts, inner }: SumProblem) =>
      spread(Math.ceil((outer * parts * inner) / results / 64)),
  };
}

function termsReason({ inner, length }: ReduceProblem): true | string {
  return (inner === 1 && length % 4 === 0) || 'the terms are not whole vec4';
}

/** Σ term(x) of each part, in float64. */
function partSums(p: SumProblem, x: NumberArray, term: (value: number) => number): Float64Array {
  const y = new Float64Array(p.outer * p.parts * p.inner);
  const chunk = chunkOf(p);
  for (let at = 0; at < x.length; at++) {
    const row = Math.floor(at / p.inner);
    const part = Math.floor(row / p.length) * p.parts + Math.floor((row % p.length) / chunk);
    y[part * p.inner + (at % p.inner)] += p.scale * term(x[at]);
  }
  return y;
}

export const sum: KernelSpec<SumProblem> = {
  name: 'sum',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: (p) => p.outer * p.length * p.inner },
    { name: 'y', access: 'read-write', type: 'f32', length: (p) => p.outer * p.parts * p.inner },
  ],
  params: sumParams,
  values: (p) => ({ ...p, accumulate: Number(p.accumulate), chunk: chunkOf(p) }),
  cost: ({ outer, length, inner, parts }) => ({
    flops: outer * length * inner,
    bytes: 4 * outer * inner * (length + parts),
  }),
  reductionLength: (p) => Math.min(p.length, chunkOf(p)),
  reference: (p, { x, y }) => ({
    y: partSums(p, x, (value) => value).map((total, i) => total + (p.accumulate ? y[i] : 0)),
  }),
  awkward: [
    { outer: 1, length: 1, inner: 1, parts: 1, scale: 1, accumulate: false },
    { outer: 3, length: 13, inner: 5, parts: 1, scale: 1 / 13, accumulate: false },
    { outer: 2, length: 7, inner: 12, parts: 1, scale: 1, accumulate: false },
    { outer: 70, length: 4097, inner: 1, parts: 1, scale: 1, accumulate: false },
    { outer: 5, length: 4096, inner: 1, parts: 7, scale: 2, accumulate: false },
    { outer: 1, length: 1031, inner: 68, parts: 9, scale: 1, accumulate: false },
    { outer: 1, length: 12, inner: 4, parts: 5, scale: 1, accumulate: false },
    { outer: 4_194_500, length: 1, inner: 1, parts: 1, scale: 1, accumulate: false },
    { outer: 1, length: 4100, inner: 1, parts: 1, scale: 1, accumulate: true },
    { outer: 3, length: 65, inner: 20, parts: 1, scale: 0.5, accumulate: true },
    { outer: 3, length: 65, inner: 7, parts: 2, scale: 1, accumulate: true },
  ],
  variants: [
    sumVariant({ load: 'one', square: false }, 1, () => true),
    sumVariant({ load: 'columns', square: false }, 4, ({ inner }) => {
      return inner % 4 === 0 || 'inner is not a multiple of 4';
    }),
    sumVariant({ load: 'terms', square: false }, 1, termsReason),
  ],
};

export interface SumSquaresProblem {
  rows: number;
  count: number;
}

/**
 * How many partial sums `sumSquares` makes of a row of so many elements: a multiple of 64, so that those of several
 * tensors can follow one another in one buffer at offsets that may be bound.
 */
export function sumSquaresPartials(count: number): number {
  return 64 * Math.min(32, Math.max(1, Math.ceil(count / 65536)));
}

const asSum = ({ rows, count }: SumSquaresProblem): SumProblem => ({
  outer: rows,
  length: count,
  inner: 1,
  parts: sumSquaresPartials(count),
  scale: 1,
  accumulate: false,
});

export const sumSquares: KernelSpec<SumSquaresProblem> = {
  name: 'sumSquares',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: (p) => p.rows * p.count },
    {
      name: 'partials',
      access: 'write',
      type: 'f32',
      length: (p) => p.rows * sumSquaresPartials(p.count),
    },
  ],
  params: sumParams,
  values: (p) => sum.values(asSum(p)),
  cost: ({ rows, count }) => ({
    flops: 2 * rows * count,
    bytes: 4 * rows * (count + sumSquaresPartials(count)),
  }),
  reductionLength: (p) => sum.reductionLength(asSum(p)),
  reference: (p, { x }) => ({ partials: partSums(asSum(p), x, (value) => value * value) }),
  awkward: [
    { rows: 1, count: 1 },
    { rows: 1, count: 63 },
    { rows: 3, count: 260 },
    { rows: 1, count: 100_003 },
    { rows: 2, count: 300_004 },
    { rows: 65_537, count: 4 },
  ],
  variants: [
    sumVariant({ load: 'one', square: true }, 1, () => true),
    sumVariant({ load: 'terms', square: true }, 1, termsReason),
  ].map((variant) => ({
    ...variant,
    supports: (capabilities, problem) => variant.supports(capabilities, asSum(problem)),
    workgroups: (problem) => variant.workgroups(asSum(problem)),
  })),
};

const reduceParams = { outer: 'u32', length: 'u32', inner: 'u32' } as const;

const reduceShapes: readonly ReduceProblem[] = [
  { outer: 1, length: 1, inner: 1 },
  { outer: 3, length: 13, inner: 5 },
  { outer: 65, length: 4097, inner: 1 },
  { outer: 1, length: 31, inner: 129 },
  { outer: 4_194_500, length: 1, inner: 1 },
];

export const max: KernelSpec<ReduceProblem> = {
  name: 'max',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', length: (p) => p.outer * p.length * p.inner },
    { name: 'y', access: 'write', type: 'f32', length: (p) => p.outer * p.inner },
    { name: 'index', access: 'write', type: 'u32', length: (p) => p.outer * p.inner },
  ],
  params: reduceParams,
  values: (p) => ({ ...p }),
  cost: ({ outer, length, inner }) => ({
    flops: outer * length * inner,
    bytes: 4 * outer * inner * (length + 2),
  }),
  reductionLength: () => 1,
  reference: ({ outer, length, inner }, { x }) => {
    const y = new Float64Array(outer * inner).fill(Number.NEGATIVE_INFINITY);
    const index = new Uint32Array(outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let r = 0; r < length; r++) {
        for (let i = 0; i < inner; i++) {
          const value = x[(o * length + r) * inner + i];
          if (value <= y[o * inner + i]) continue;
          y[o * inner + i] = value;
          index[o * inner + i] = r;
        }
      }
    }
    return { y, index };
  },
  // Few distinct values, so that the maximum is often reached twice.
  inputs: ({ outer, length, inner }, random) => ({
    x: Float32Array.from({ length: outer * length * inner }, () => random.below(16) - 20),
  }),
  awkward: reduceShapes,
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: () => maxShader,
      workgroups: ({ outer, inner }) => spread(Math.ceil((outer * inner) / 64)),
    },
  ],
};

export const maxBackward: KernelSpec<ReduceProblem> = {
  name: 'maxBackward',
  bindings: [
    { name: 'index', access: 'read', type: 'u32', length: (p) => p.outer * p.inner },
    { name: 'dy', access: 'read', type: 'f32', length: (p) => p.outer * p.inner },
    { name: 'dx', access: 'write', type: 'f32', length: (p) => p.outer * p.length * p.inner },
  ],
  params: reduceParams,
  values: (p) => ({ ...p }),
  cost: ({ outer, length, inner }) => ({ flops: 0, bytes: 4 * outer * inner * (length + 2) }),
  reductionLength: () => 1,
  reference: ({ outer, length, inner }, { index, dy }) => {
    const dx = new Float64Array(outer * length * inner);
    for (let at = 0; at < outer * inner; at++) {
      dx[(Math.floor(at / inner) * length + index[at]) * inner + (at % inner)] = dy[at];
    }
    return { dx };
  },
  inputs: ({ outer, length, inner }, random) => ({
    index: Uint32Array.from({ length: outer * inner }, () => random.below(length)),
  }),
  awkward: reduceShapes,
  variants: [
    {
      name: 'scalar',
      supports: () => true,
      source: () => maxBackwardShader,
      workgroups: ({ outer, length, inner }) => spread(Math.ceil((outer * length * inner) / 64)),
    },
  ],
};
