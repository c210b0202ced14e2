import { describe, expect, test } from 'vitest';
import { compareReports, comparisonText, parseReport } from '../../bench/compare.ts';
import { type KernelReport, type KernelRow, kernelMarkdown, preface } from '../../bench/report.ts';

function row(shape: string, ms: number, spread: [number, number]): KernelRow {
  return {
    kernel: 'matmul',
    shape,
    dtype: 'f32',
    variant: 'naive',
    chosen: true,
    ms,
    spread,
    gflops: 10,
    gbps: 2,
    ceilingShare: 0.25,
    relError: 1e-7,
    peers: {},
    gpuMs: null,
    compileMs: 5,
    warmUpMs: 20,
    checkedShape: shape,
  };
}

const report = (...rows: KernelRow[]): KernelReport => ({
  adapter: 'test',
  ceiling: { gflops: 40, gbps: 4 },
  control: { kernel: 'matmul', shape: '8x8x8', ratio: 1.01, spread: [0.9, 1.1] },
  rows,
});

describe('two reports', () => {
  const before = report(row('1x1x1', 2, [1.8, 2.2]), row('2x2x2', 2, [1, 4]), row('3x3x3', 1, [1, 1]));
  const after = report(row('1x1x1', 1, [0.9, 1.7]), row('2x2x2', 1, [0.5, 1.5]), row('4x4x4', 1, [1, 1]));

  test('differ where the samples separate, and nowhere else', () => {
    const comparison = compareReports(before, after);
    expect(comparison).toEqual({
      differences: [{ kernel: 'matmul', shape: '1x1x1', variant: 'naive', before: 2, after: 1, ratio: 2 }],
      alike: 1,
      unmatched: 2,
      machine: { gflops: 1, gbps: 1 },
    });
    expect(comparisonText(comparison)[0]).toContain('2.00x faster');
    expect(comparisonText(compareReports(after, before))[0]).toContain('2.00x slower');
  });

  test('warn when the machine itself was slower', () => {
    const loaded = { ...after, ceiling: { gflops: 20, gbps: 4 } };
    expect(comparisonText(compareReports(before, after))).toHaveLength(2);
    expect(comparisonText(compareReports(before, loaded)).at(-1)).toMatch(
      /machine changed.* at 0\.50x, copies at 1\.00x/,
    );
  });

  test('a report survives being saved, and nothing else passes for one', () => {
    expect(parseReport(JSON.stringify(before), 'x.json')).toEqual(before);
    for (const text of ['', '[]', '{"rows":[{}]}', '{"rows":3}']) {
      expect(() => parseReport(text, 'x.json')).toThrow('x.json is no report of cloze bench kernels');
    }
  });
});

describe('a report in words', () => {
  test('as a table in Markdown', () => {
    const lines = kernelMarkdown(report(row('8x8x8', 1.5, [1, 2])));
    expect(lines.at(-1)).toBe(
      '| matmul | 8x8x8 | naive * | 1.50 | (1.00 to 2.00) |  | 10.0 | 2.00 | 25 % | 1e-7 | 5 + 20 |',
    );
  });

  test('warns when one thing is not as fast as itself', () => {
    const uneven = {
      ...report(),
      control: { kernel: 'matmul', shape: '8', ratio: 1.4, spread: [1.2, 1.6] as [number, number] },
    };
    expect(preface(report()).at(-1)).toBe('control  matmul 8x8x8 against itself: 1.01x (0.90 to 1.10)');
    expect(preface(uneven).at(-1)).toContain('too uneven');
  });
});
