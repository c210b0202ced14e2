import { describe, expect, test } from 'vitest';
import {
  type BenchCase,
  benchKernels,
  checkedSizes,
  parseShape,
  selectCases,
  shapeName,
} from '../../bench/shapes.ts';

const names = (cases: readonly BenchCase[]) =>
  cases.map(({ kernel, sizes }) => `${kernel.name} ${shapeName(sizes)}`);

describe('selecting', () => {
  test('all, each at its own shapes', () => {
    const all = selectCases({}, benchKernels);
    expect(all).toHaveLength(benchKernels.reduce((sum, { shapes }) => sum + shapes.length, 0));
    expect(names(all)).toContain('crossEntropyGradient 1024x8192');
  });

  test('by part of a name in any case, and by shapes of the right number of sizes', () => {
    expect(names(selectCases({ filter: 'tmaxBACK' }, benchKernels))).toEqual([
      'softmaxBackward 3072x128',
      'softmaxBackward 512x4096',
    ]);
    expect(
      names(selectCases({ filter: 'matmul', shapes: ['8x4x12', '2x8x4x12', '7'] }, benchKernels)),
    ).toEqual(['matmul 8x4x12', 'matmulBatched 2x8x4x12', 'matmulNT 8x4x12', 'matmulTN 8x4x12']);
  });

  test('nothing is an error that tells what there is', () => {
    expect(() => selectCases({ filter: 'matmil' }, benchKernels)).toThrow(
      /no benchmark is called matmil\. Known: matmul, /,
    );
    expect(() => selectCases({ filter: 'copy', shapes: ['3x3'] }, benchKernels)).toThrow(
      /no shape fits copy\. Axes: copy count/,
    );
    expect(() => parseShape('3x-1')).toThrow('3x-1 is no shape');
  });
});

describe('every case', () => {
  test.each(selectCases({}, benchKernels).map((bench) => [names([bench])[0], bench] as const))(
    '%s makes sense',
    (_, bench) => {
      const { spec, axes } = bench.kernel;
      const problem = bench.kernel.problem(...bench.sizes);
      expect(bench.sizes).toHaveLength(axes.length);
      expect(() => spec.check?.(problem)).not.toThrow();
      expect(Object.values(spec.values(problem)).every(Number.isFinite)).toBe(true);
      expect(spec.cost(problem).bytes).toBeGreaterThan(0);
    },
  );

  test('is checked at a size that float64 can do, and at its own if that is small', () => {
    const [matmul] = benchKernels;
    const smaller = checkedSizes({ kernel: matmul, sizes: [1024, 1024, 1024] });
    expect(matmul.spec.cost(matmul.problem(...smaller)).flops).toBeLessThanOrEqual(3e8);
    expect(smaller.every((size) => size % 64 === 0)).toBe(true);
    expect(checkedSizes({ kernel: matmul, sizes: [100, 50, 30] })).toEqual([100, 50, 30]);
    for (const { kernel, sizes } of selectCases({}, benchKernels)) checkedSizes({ kernel, sizes });
  });
});
