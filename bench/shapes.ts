/**
 * What `cloze bench` measures: each kernel at the sizes that matter to training. A shape is named by its sizes, joined
 * by `x` in the order of `axes`; any other sizes in that order can be asked for.
 */
import { ClozeError } from '../src/gpu/index.ts';
import { adamw } from '../src/kernels/adamw.ts';
import { crossEntropy } from '../src/kernels/crossEntropy.ts';
import { embedding, embeddingBackward } from '../src/kernels/embedding.ts';
import { geglu, gegluBackward } from '../src/kernels/geglu.ts';
import type { AnyKernelSpec } from '../src/kernels/index.ts';
import { layerNorm } from '../src/kernels/layerNorm.ts';
import { layerNormBackward, layerNormParameters } from '../src/kernels/layerNormBackward.ts';
import { matmul, matmulProblem } from '../src/kernels/matmul.ts';
import { rmsNorm, rmsNormBackward, rmsNormParameters } from '../src/kernels/rmsNorm.ts';
import { softmax, softmaxBackward } from '../src/kernels/softmax.ts';
import { sliceProblem, stridedCopy } from '../src/kernels/stridedCopy.ts';
import { unary, unaryBackward } from '../src/kernels/unary.ts';

export interface BenchKernel {
  /** The kernel's own name, or a name of its own for a special use of it. */
  readonly name: string;
  readonly spec: AnyKernelSpec;
  /** What the sizes of a shape are. */
  readonly axes: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  problem(...sizes: number[]): object;
}

/** One kernel at one shape. */
export interface BenchCase {
  readonly kernel: BenchKernel;
  readonly sizes: readonly number[];
}

const matrices = ['m', 'k', 'n'];
const rows = ['rows', 'columns'];
const ignoreIndex = -100;
const plainNorm = { eps: 1e-12, weight: true, bias: true, residual: false, dsum: false, p: 0, layer: 0 };

export const benchKernels: readonly BenchKernel[] = [
  {
    name: 'matmul',
    spec: matmul,
    axes: matrices,
    shapes: [
      [256, 256, 256],
      [512, 512, 512],
      [1024, 1024, 1024],
      [1000, 768, 768],
    ],
    problem: (m, k, n) => matmulProblem({ m, k, n }),
  },
  {
    name: 'matmulBatched',
    spec: matmul,
    axes: ['batch', ...matrices],
    shapes: [[12, 128, 64, 128]],
    problem: (batch0, m, k, n) => matmulProblem({ m, k, n }, { batch0 }),
  },
  {
    name: 'matmulNT', // y = x Wᵀ, the forward pass of a linear layer
    spec: matmul,
    axes: matrices,
    shapes: [
      [512, 512, 512],
      [1024, 128, 512],
    ],
    problem: (m, k, n) => matmulProblem({ m, k, n }, { transposeB: true }),
  },
  {
    name: 'matmulTN', // dW = dyᵀ x, the gradient of its weight
    spec: matmul,
    axes: matrices,
    shapes: [
      [512, 512, 512],
      [512, 1024, 128],
    ],
    problem: (m, k, n) => matmulProblem({ m, k, n }, { transposeA: true }),
  },
  ...[softmax, softmaxBackward].map((spec) => ({
    name: spec.name,
    spec,
    axes: rows,
    shapes: [
      [3072, 128],
      [512, 4096],
    ],
    problem: (rows: number, columns: number) => ({ rows, columns, log: false }),
  })),
  ...[
    ...[layerNorm, layerNormBackward, layerNormParameters],
    ...[rmsNorm, rmsNormBackward, rmsNormParameters],
  ].map((spec: AnyKernelSpec) => ({
    name: spec.name,
    spec,
    axes: rows,
    shapes: [[1024, 768]],
    problem: (rows: number, columns: number) => ({ rows, columns, ...plainNorm }),
  })),
  ...[
    { name: 'residualLayerNorm', spec: layerNorm },
    { name: 'residualLayerNormBackward', spec: layerNormBackward },
  ].map((kernel) => ({
    ...kernel,
    axes: rows,
    shapes: [[1024, 768]],
    problem: (rows: number, columns: number) => ({
      ...{ rows, columns, ...plainNorm },
      ...{ residual: true, dsum: true, p: 0.1 },
    }),
  })),
  ...[geglu, gegluBackward].map((spec) => ({
    name: spec.name,
    spec,
    axes: rows,
    shapes: [[1024, 1152]],
    problem: (rows: number, columns: number) => ({ rows, columns, approximate: 'none' as const }),
  })),
  ...[
    { name: 'gelu', spec: unary },
    { name: 'geluBackward', spec: unaryBackward },
  ].map((kernel) => ({
    ...kernel,
    axes: rows,
    shapes: [[1024, 3072]],
    problem: (rows: number, columns: number) => ({ count: rows * columns, op: 'gelu' }),
  })),
  ...[embedding, embeddingBackward].map((spec) => ({
    name: spec.name,
    spec,
    axes: ['rows', 'columns', 'ids'],
    shapes: [[30522, 256, 1024]],
    problem: (rows: number, columns: number, n: number) => ({ n, rows, columns, paddingIdx: 0 }),
  })),
  ...(['none', 'in-place'] as const).map((gradient) => ({
    name: gradient === 'none' ? 'crossEntropy' : 'crossEntropyGradient',
    spec: crossEntropy,
    axes: rows,
    shapes: [[1024, 8192]],
    problem: (rows: number, columns: number) => ({
      rows,
      columns,
      pitch: columns,
      ignoreIndex,
      weighted: false,
      gradient,
    }),
  })),
  {
    name: 'adamw',
    spec: adamw,
    axes: ['count'],
    shapes: [[10_000_000]],
    problem: (count) => ({ count }),
  },
  {
    name: 'copy',
    spec: stridedCopy,
    axes: ['count'],
    shapes: [[4_194_304]],
    problem: (count) => sliceProblem([count], [count], 0, [count], 0),
  },
];

/** "1000x768x768". */
export function shapeName(sizes: readonly number[]): string {
  return sizes.join('x');
}

/** The sizes in "1000x768x768". Throws an `option` error when it is no such thing. */
export function parseShape(name: string): number[] {
  const sizes = name.split('x').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && size > 0)) return sizes;
  throw new ClozeError('option', `${name} is no shape`, 'Write sizes joined by x: 1000x768x768');
}

/**
 * The kernels whose name contains `filter`, in any case, each at its own shapes or at those of `shapes` that have as
 * many sizes as the kernel has axes. Throws an `option` error when nothing is left.
 */
export function selectCases<K extends Pick<BenchKernel, 'name' | 'axes' | 'shapes'>>(
  { filter = '', shapes }: { filter?: string; shapes?: readonly string[] },
  kernels: readonly K[],
): { kernel: K; sizes: readonly number[] }[] {
  const named = kernels.filter(({ name }) => name.toLowerCase().includes(filter.toLowerCase()));
  if (named.length === 0) {
    throw new ClozeError(
      'option',
      `no benchmark is called ${filter}`,
      `Known: ${kernels.map(({ name }) => name).join(', ')}`,
    );
  }
  const wanted = shapes?.map(parseShape);
  const cases = named.flatMap((kernel) => {
    const fitting = wanted?.filter((sizes) => sizes.length === kernel.axes.length) ?? kernel.shapes;
    return fitting.map((sizes) => ({ kernel, sizes }));
  });
  if (cases.length > 0) return cases;
  const axes = named.map(({ name, axes }) => `${name} ${axes.join('x')}`).join(', ');
  throw new ClozeError(
    'option',
    `no shape fits ${named.map(({ name }) => name).join(', ')}`,
    `Axes: ${axes}`,
  );
}

/** Most work that a float64 reference is asked to do: a second or so. */
const referenceLimit = { flops: 3e8, bytes: 3.2e7 };

/** The sizes at which a case is checked: its own, or smaller ones where the reference would take long. */
export function checkedSizes({ kernel, sizes }: BenchCase): number[] {
  const smaller = [...sizes];
  for (;;) {
    const { flops, bytes } = kernel.spec.cost(kernel.problem(...smaller));
    const storage = kernel.spec.bindings.reduce(
      (sum, binding) => sum + 4 * binding.length(kernel.problem(...smaller)),
      0,
    );
    if (flops <= referenceLimit.flops && Math.max(bytes, storage) <= referenceLimit.bytes) return smaller;
    const largest = smaller.indexOf(Math.max(...smaller));
    smaller[largest] = Math.ceil(smaller[largest] / 128) * 64;
  }
}
