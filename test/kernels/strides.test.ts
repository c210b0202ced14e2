import { describe, expect, test } from 'vitest';
import { binaryProblem } from '../../src/kernels/binary.ts';
import { permuteProblem, sliceProblem } from '../../src/kernels/stridedCopy.ts';
import { activeAxes, collapse, extent, offsetAt, padAxes } from '../../src/kernels/strides.ts';

describe('collapse', () => {
  test('equal shapes become one axis', () => {
    expect(binaryProblem('add', [2, 3, 4], [2, 3, 4], [2, 3, 4])).toMatchObject({
      sizes: [1, 1, 1, 1, 1, 24],
      a: [0, 0, 0, 0, 0, 1],
      b: [0, 0, 0, 0, 0, 1],
    });
  });

  test('rows and a vector become two, a number stays at stride 0', () => {
    expect(binaryProblem('add', [2, 3, 4], [4], [2, 3, 4])).toMatchObject({
      sizes: [1, 1, 1, 1, 6, 4],
      a: [0, 0, 0, 0, 4, 1],
      b: [0, 0, 0, 0, 0, 1],
    });
    expect(binaryProblem('mul', [2, 3], [], [2, 3])).toMatchObject({ b: [0, 0, 0, 0, 0, 0] });
  });

  test('visits the same places in the same order', () => {
    const sizes = [2, 1, 3, 4, 5];
    const strides = [
      [60, 60, 20, 5, 1],
      [0, 7, 1, 30, 6],
    ];
    const joined = collapse({ sizes, strides });
    expect(joined.sizes.length).toBeLessThan(sizes.length);
    for (let i = 0; i < 120; i++) {
      strides.forEach((list, tensor) => {
        expect(offsetAt(i, joined.sizes, joined.strides[tensor])).toBe(offsetAt(i, sizes, list));
      });
    }
  });
});

test('heads beside tokens move rows, heads behind them move blocks', () => {
  const rows = permuteProblem([2, 3, 4, 8], [0, 2, 1, 3]);
  expect([rows.strideX[5], rows.strideY[5]]).toEqual([1, 1]);
  const blocks = permuteProblem([2, 8, 3, 12], [0, 2, 3, 1]);
  expect([blocks.strideX[4], blocks.strideY[5]]).toEqual([1, 1]);
});

test('a slice reaches exactly to its end', () => {
  const p = sliceProblem([3, 4], [3, 12], 8, [3, 4], 0);
  expect(p.startX + extent(p.sizes, p.strideX)).toBe(36);
});

test('counts the axes that matter, and refuses too many', () => {
  expect(activeAxes([1, 1, 1, 2, 1, 4])).toBe(3);
  expect(activeAxes([1, 1, 1, 1, 1, 1])).toBe(1);
  const seven = Array(7).fill(2);
  expect(() => padAxes({ sizes: seven, strides: [seven] })).toThrow('7 axes are too many: kernels take 6');
});
