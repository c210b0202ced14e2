/**
 * Rotary position embedding (Su et al., "RoFormer", 2021): the pairs (x[j], x[j + depth/2]) of every head are turned
 * by the angle position · base^(−2j/depth), so that the product of a query and a key depends on their distance.
 *
 * x, y: [tokens, heads · depth]; positions: [tokens], u32; table: [rows, depth], the cosines of a position's angles,
 * then their sines. They come from the CPU since WGSL promises only 11 bits of a sine. Backward is the same
 * kernel with `inverse`, which turns back. Variants: `scalar` (any even depth), `vec4` (depth a multiple of 8).
 */
import { rotary as shader } from '../../shaders/rotary.ts';
import { ClozeError } from '../gpu/index.ts';
import { type KernelSpec, spread, type Variant } from './spec.ts';

export interface RotaryProblem {
  tokens: number;
  heads: number;
  /** Width of a head; even. */
  depth: number;
  /** Positions in the table. */
  rows: number;
  inverse: boolean;
}

/** The table for positions 0 … rows − 1: [rows, depth], computed in float64. */
export function rotaryTable(rows: number, depth: number, base: number): Float32Array {
  const half = depth / 2;
  const table = new Float32Array(rows * depth);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < half; j++) {
      const angle = row * base ** (-j / half);
      table[row * depth + j] = Math.cos(angle);
      table[row * depth + half + j] = Math.sin(angle);
    }
  }
  return table;
}

const pairs = ({ tokens, heads, depth }: RotaryProblem) => (tokens * heads * depth) / 2;
const values = (p: RotaryProblem) => 2 * pairs(p);

function variant(name: string, width: 1 | 4): Variant<RotaryProblem> {
  return {
    name,
    supports: (_, { depth }) => depth % (2 * width) === 0 || `the depth is not a multiple of ${2 * width}`,
    source: ({ f16 }) => shader(width, f16),
    workgroups: (p) => spread(Math.ceil(pairs(p) / (64 * width))),
  };
}

export const rotary: KernelSpec<RotaryProblem> = {
  name: 'rotary',
  bindings: [
    { name: 'x', access: 'read', type: 'f32', half: true, length: values },
    { name: 'positions', access: 'read', type: 'u32', length: (p) => p.tokens },
    { name: 'table', access: 'read', type: 'f32', length: (p) => p.rows * p.depth },
    { name: 'y', access: 'write', type: 'f32', half: true, length: values },
  ],
  params: { pairs: 'u32', half: 'u32', heads: 'u32', sign: 'f32' },
  values: (p) => ({ pairs: pairs(p), half: p.depth / 2, heads: p.heads, sign: p.inverse ? -1 : 1 }),
  check: ({ depth }) => {
    if (depth % 2 !== 0) throw new ClozeError('shape', `rotary turns pairs, and a depth of ${depth} is odd`);
  },
  cost: (p) => ({ flops: 6 * pairs(p), bytes: 8 * values(p) + 4 * p.tokens * (1 + p.depth) }),
  reductionLength: () => 2,
  inputs: ({ tokens, rows, depth }, random) => ({
    positions: Uint32Array.from({ length: tokens }, () => random.below(rows)),
    table: rotaryTable(rows, depth, 10000),
  }),
  reference: (p, { x, positions, table }) => {
    const half = p.depth / 2;
    const y = new Float64Array(x.length);
    for (let i = 0; i < pairs(p); i++) {
      const head = Math.floor(i / half);
      const first = head * p.depth + (i % half);
      const row = positions[Math.floor(head / p.heads)] * p.depth + (i % half);
      const sine = (p.inverse ? -1 : 1) * table[row + half];
      y[first] = x[first] * table[row] - x[first + half] * sine;
      y[first + half] = x[first + half] * table[row] + x[first] * sine;
    }
    return { y };
  },
  awkward: [
    { tokens: 1, heads: 1, depth: 2, rows: 1, inverse: false },
    { tokens: 7, heads: 3, depth: 6, rows: 11, inverse: false },
    { tokens: 67, heads: 2, depth: 40, rows: 512, inverse: true },
    { tokens: 13, heads: 1, depth: 64, rows: 8192, inverse: false },
    { tokens: 70_001, heads: 1, depth: 128, rows: 3, inverse: true },
  ],
  variants: [variant('scalar', 1), variant('vec4', 4)],
};
