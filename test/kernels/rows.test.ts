import { expect, test } from 'vitest';
import type { Capabilities } from '../../src/gpu/index.ts';
import { selectVariant, spread } from '../../src/kernels/index.ts';
import { layerNorm } from '../../src/kernels/layerNorm.ts';
import { maskedSoftmax } from '../../src/kernels/maskedSoftmax.ts';
import { softmax } from '../../src/kernels/softmax.ts';

const adapter = (software: boolean, subgroupMinSize: number, subgroupMaxSize = subgroupMinSize) =>
  ({ software, subgroupMinSize, subgroupMaxSize }) as Capabilities;
const rows = (columns: number) => ({ rows: 300, columns, log: false });
const chosen = (capabilities: Capabilities, columns: number) =>
  selectVariant(softmax, rows(columns), capabilities).name;

test('a software adapter gives short rows to one lane and long ones to a subgroup', () => {
  const software = adapter(true, 8);
  expect(chosen(software, 512)).toBe('row-vec4');
  expect(chosen(software, 516)).toBe('subgroup');
  expect(chosen(software, 127)).toBe('row');
});

test('a GPU shares every row among the lanes of a subgroup', () => {
  expect(chosen(adapter(false, 32), 64)).toBe('subgroup');
});

test('without subgroups of one size, a GPU shares a row in a workgroup, unless it is short', () => {
  for (const capabilities of [adapter(false, 0), adapter(false, 8, 32)]) {
    expect(chosen(capabilities, 64)).toBe('workgroup');
    expect(chosen(capabilities, 63)).toBe('row');
    expect(chosen(capabilities, 60)).toBe('row-vec4');
  }
});

test('without subgroups of one size, a software adapter leaves long rows to one lane too', () => {
  expect(chosen(adapter(true, 0), 4096)).toBe('row-vec4');
  expect(chosen(adapter(true, 4, 8), 4097)).toBe('row');
});

test('the choice goes by keys in attention and by columns elsewhere', () => {
  const whole = { padding: false, order: 'any' as const, segments: false, window: -1 };
  const scores = { batch: 1, heads: 1, queries: 900, keys: 64, ...whole };
  const few = {
    rows: 2,
    columns: 768,
    eps: 1e-5,
    weight: true,
    bias: true,
    residual: false,
    p: 0,
    layer: 0,
  };
  expect(selectVariant(maskedSoftmax, scores, adapter(true, 4)).name).toBe('row-vec4');
  expect(selectVariant(layerNorm, few, adapter(true, 4)).name).toBe('subgroup');
  expect(selectVariant(layerNorm, { ...few, rows: 512 }, adapter(true, 4)).name).toBe('row-vec4');
});

test('a subgroup is a workgroup is a row; alone, 64 rows share a workgroup', () => {
  const workgroups = (name: string) =>
    softmax.variants.find((variant) => variant.name === name)?.workgroups(rows(64), adapter(true, 8));
  expect(workgroups('subgroup')).toEqual(spread(300));
  expect(workgroups('row-vec4')).toEqual([5, 1, 1]);
});
