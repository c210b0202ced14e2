/**
 * Batched matrix product with an epilogue: c[i, j] = act(alpha · a[i, j] b[i, j] + bias), added to c if asked.
 *
 * a: m × k, b: k × n, c: m × n, for every (i, j) of two batch axes. Each operand says how far apart its stored rows are
 * (`lda`) and its matrices (`strideA0`, `strideA1`), all in elements; a stride of 0 uses one matrix for the whole axis.
 * A transposed operand is stored k × m (a) or n × k (b). bias: [n]. `pre`, laid out as c, receives what goes into the
 * activation, for the backward pass. What lies between the rows of c is not touched.
 *
 * Variants: `naive` (an invocation an element), `workgroup` (64 × 64 in workgroup memory, for GPUs), `register`
 * (8 × 4 an invocation, in registers), `subgroup` (32 rows in the registers of a subgroup, where its size is known).
 */
import { type MatmulText, matmulNaive, matmulWorkgroup } from '../../shaders/matmul.ts';
import { type MatmulTile, matmulTile, tileColumns, tileWorkgroupSize } from '../../shaders/matmulTile.ts';
import { type Capabilities, ClozeError } from '../gpu/index.ts';
import { gelu, geluTanh } from './gelu.ts';
import {
  type MatmulProblem,
  matmulProblem,
  scoresProblem,
  weightedSumProblem,
  weightedSumTransposedProblem,
} from './matmulProblem.ts';
import { type KernelSpec, type Precision, spread, type Workgroups } from './spec.ts';

export type { HeadsSizes, MatmulProblem } from './matmulProblem.ts';
export {
  matmulProblem,
  scoresProblem,
  weightedSumProblem,
  weightedSumTransposedProblem,
} from './matmulProblem.ts';

/** How one operand is stored: `lines` of `length` neighbours, per batch axis. */
interface Layout {
  lines: number;
  length: number;
  ld: number;
  stride0: number;
  stride1: number;
}

const layoutA = (p: MatmulProblem): Layout => ({
  lines: p.transposeA ? p.k : p.m,
  length: p.transposeA ? p.m : p.k,
  ld: p.lda,
  stride0: p.strideA0,
  stride1: p.strideA1,
});

const layoutB = (p: MatmulProblem): Layout => ({
  lines: p.transposeB ? p.n : p.k,
  length: p.transposeB ? p.k : p.n,
  ld: p.ldb,
  stride0: p.strideB0,
  stride1: p.strideB1,
});

const layoutC = (p: MatmulProblem): Layout => ({
  lines: p.m,
  length: p.n,
  ld: p.ldc,
  stride0: p.strideC0,
  stride1: p.strideC1,
});

/** Elements from the first to the last that an operand touches. */
function extent(p: MatmulProblem, { lines, length, ld, stride0, stride1 }: Layout): number {
  return (p.batch0 - 1) * stride0 + (p.batch1 - 1) * stride1 + (lines - 1) * ld + length;
}

/** Whether every stored line begins and ends at a multiple of four elements. */
function inFours({ length, ld, stride0, stride1 }: Layout): boolean {
  return [length, ld, stride0, stride1].every((x) => x % 4 === 0);
}

const textOf = (p: MatmulProblem & Precision): MatmulText => ({
  transposeA: p.transposeA,
  transposeB: p.transposeB,
  bias: p.bias,
  pre: p.pre,
  activation: p.activation,
  vectorA: inFours(layoutA(p)),
  vectorB: inFours(layoutB(p)),
  vectorC: inFours(layoutC(p)),
  f16: p.f16,
});

const registerTile: MatmulTile = { rows: 8, vectors: 1, lanes: 1 };

/** What a tile of 16 rows takes of the time of one of 32: what it loads of b serves half as many rows. */
const halfTileTime = 0.64;

/**
 * Tiles of 32 rows, or of 16 where these leave less to waste, and of at least 32 columns; 64 on small subgroups, which
 * gain more from reuse than they lose in compile time. Larger tiles load less for each product, but outgrow the
 * instruction cache of software adapters.
 */
function subgroupTile({ subgroupMinSize: lanes }: Capabilities, { m }: MatmulProblem): MatmulTile {
  const rows = Math.ceil(m / 16) * halfTileTime < Math.ceil(m / 32) ? 16 : 32;
  return { rows, vectors: lanes <= 4 ? 4 : 1, lanes };
}

function tileWorkgroups(p: MatmulProblem, tile: MatmulTile): Workgroups {
  const tiles = Math.ceil(p.m / tile.rows) * Math.ceil(p.n / tileColumns(tile)) * p.batch0 * p.batch1;
  return spread(tile.lanes === 1 ? Math.ceil(tiles / tileWorkgroupSize(tile)) : tiles);
}

const activations = { none: (x: number) => x, gelu, gelu_tanh: geluTanh };

export const matmul: KernelSpec<MatmulProblem> = {
  name: 'matmul',
  bindings: [
    { name: 'a', access: 'read', type: 'f32', half: true, length: (p) => extent(p, layoutA(p)) },
    { name: 'b', access: 'read', type: 'f32', half: true, length: (p) => extent(p, layoutB(p)) },
    { name: 'bias', access: 'read', type: 'f32', length: (p) => p.n, when: (p) => p.bias },
    {
      name: 'pre',
      access: 'read-write',
      type: 'f32',
      half: true,
      length: (p) => extent(p, layoutC(p)),
      when: (p) => p.pre,
    },
    { name: 'c', access: 'read-write', type: 'f32', half: true, length: (p) => extent(p, layoutC(p)) },
  ],
  params: {
    m: 'u32',
    n: 'u32',
    k: 'u32',
    batch0: 'u32',
    batch1: 'u32',
    lda: 'u32',
    ldb: 'u32',
    ldc: 'u32',
    strideA0: 'u32',
    strideA1: 'u32',
    strideB0: 'u32',
    strideB1: 'u32',
    strideC0: 'u32',
    strideC1: 'u32',
    alpha: 'f32',
    accumulate: 'u32',
  },
  values: ({ transposeA, transposeB, bias, activation, pre, accumulate, ...numbers }) => ({
    ...numbers,
    accumulate: Number(accumulate),
  }),
  check(p) {
    const { m, n, k, batch0, batch1 } = p;
    if (![m, n, k, batch0, batch1].every((size) => Number.isInteger(size) && size > 0)) {
      throw new ClozeError(
        'shape',
        `matmul of ${m}×${k} and ${k}×${n}, ${batch0}×${batch1} times: each size must be at least 1`,
      );
    }
    for (const [name, { length, ld }] of Object.entries({ a: layoutA(p), b: layoutB(p), c: layoutC(p) })) {
      if (ld < length) {
        throw new ClozeError(
          'shape',
          `matmul: the rows of ${name} have ${length} elements and are ${ld} apart`,
        );
      }
    }
  },
  cost(p) {
    const batches = p.batch0 * p.batch1;
    const elements = extent(p, layoutA(p)) + extent(p, layoutB(p)) + batches * p.m * p.n;
    return { flops: 2 * batches * p.m * p.n * p.k, bytes: 4 * elements };
  },
  reductionLength: (p) => p.k,
  reference(p, { a, b, bias, pre, c }) {
    const result = { c: Float64Array.from(c), ...(p.pre && { pre: Float64Array.from(pre) }) };
    const activation = activations[p.activation];
    const [rowA, stepA] = p.transposeA ? [1, p.lda] : [p.lda, 1];
    const [stepB, columnB] = p.transposeB ? [1, p.ldb] : [p.ldb, 1];
    for (let i = 0; i < p.batch0; i++) {
      for (let j = 0; j < p.batch1; j++) {
        for (let row = 0; row < p.m; row++) {
          for (let column = 0; column < p.n; column++) {
            let atA = i * p.strideA0 + j * p.strideA1 + row * rowA;
            let atB = i * p.strideB0 + j * p.strideB1 + column * columnB;
            let sum = 0;
            for (let s = 0; s < p.k; s++, atA += stepA, atB += stepB) sum += a[atA] * b[atB];
            const y = p.alpha * sum + (p.bias ? bias[column] : 0);
            const at = i * p.strideC0 + j * p.strideC1 + row * p.ldc + column;
            if (result.pre) result.pre[at] = y;
            result.c[at] = activation(y) + (p.accumulate ? c[at] : 0);
          }
        }
      }
    }
    return result;
  },
  awkward: awkward(),
  variants: [
    {
      name: 'naive',
      supports: () => true,
      source: (p) => matmulNaive(textOf(p)),
      workgroups: (p) => spread(Math.ceil((p.m * p.n * p.batch0 * p.batch1) / 64)),
    },
    {
      name: 'workgroup',
      supports: (_, p) => p.m * p.n >= 64 || 'a tile of 64 × 64 would be nearly empty',
      source: (p) => matmulWorkgroup(textOf(p)),
      workgroups: (p) => spread(Math.ceil(p.m / 64) * Math.ceil(p.n / 64) * p.batch0 * p.batch1),
    },
    {
      name: 'register',
      supports: () => true,
      source: (p) => matmulTile(textOf(p), registerTile),
      workgroups: (p) => tileWorkgroups(p, registerTile),
    },
    {
      name: 'subgroup',
      supports: ({ subgroupMinSize, subgroupMaxSize }) => {
        if (subgroupMinSize < 4) return 'the adapter has no subgroups of 4 or more';
        return subgroupMinSize === subgroupMaxSize || 'the size of subgroups is not fixed';
      },
      source: (p, capabilities) => matmulTile(textOf(p), subgroupTile(capabilities, p)),
      workgroups: (p, capabilities) => tileWorkgroups(p, subgroupTile(capabilities, p)),
    },
  ],
  choose: ({ software, subgroupMinSize, subgroupMaxSize }) => {
    if (!software) return 'workgroup';
    return subgroupMinSize >= 4 && subgroupMinSize === subgroupMaxSize ? 'subgroup' : 'register';
  },
};

/** All ways of storing the operands, in fours and not; edges of every tile; strides; epilogues. */
function awkward(): MatmulProblem[] {
  const layouts = [
    { transposeA: false, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: false },
    { transposeA: true, transposeB: true },
  ];
  const heads = { batch: 2, heads: 3, rows: 20, columns: 28, depth: 8, alpha: 0.3 };
  return [
    matmulProblem({ m: 1, n: 1, k: 1 }),
    matmulProblem({ m: 1, n: 4097, k: 3 }),
    matmulProblem({ m: 4097, n: 1, k: 3 }),
    matmulProblem({ m: 3, n: 5, k: 4097 }),
    matmulProblem({ m: 1, n: 2, k: 1 }, { batch0: 70_000 }),
    ...layouts.map((layout) => matmulProblem({ m: 7, n: 13, k: 5 }, layout)),
    ...layouts.map((layout) => matmulProblem({ m: 65, n: 67, k: 66 }, { ...layout, batch0: 2, batch1: 3 })),
    ...layouts.slice(0, 3).map((layout) => matmulProblem({ m: 20, n: 132, k: 36 }, layout)),
    scoresProblem(heads),
    weightedSumProblem(heads),
    weightedSumTransposedProblem(heads),
    matmulProblem({ m: 17, n: 32, k: 8 }, { lda: 12, ldb: 36, ldc: 40, accumulate: true }),
    matmulProblem({ m: 16, n: 36, k: 8 }, { batch0: 2, batch1: 2, strideA0: 0, strideB1: 0, alpha: -2 }),
    matmulProblem({ m: 17, n: 132, k: 6 }, { activation: 'gelu', bias: true, pre: true, transposeB: true }),
    matmulProblem({ m: 5, n: 7, k: 3 }, { activation: 'gelu_tanh', bias: true, alpha: 4 }),
  ];
}
