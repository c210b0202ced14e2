import { describe, expect, test } from 'vitest';
import { ratio, summarize, takeTurns } from '../../bench/sampling.ts';
import { cloze } from '../cli/terminal.node.ts';

describe('cloze bench kernels', () => {
  test('as JSON has the adapter, its ceiling, and a row for each variant', async () => {
    const { code, out, err } = await cloze([
      'bench',
      'kernels',
      '--filter',
      'softmaxBack',
      '--shapes',
      '12x16',
      '--variants',
      'all',
      '--quick',
      '--json',
    ]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const report = JSON.parse(out);
    expect(Object.keys(report)).toEqual(['adapter', 'ceiling', 'control', 'rows']);
    expect(report.ceiling.gflops).toBeGreaterThan(0.1);
    expect(report.ceiling.gbps).toBeGreaterThan(0.01);
    const names = report.rows.map(({ variant }: { variant: string }) => variant);
    expect(names).toEqual(expect.arrayContaining(['row', 'row-vec4']));
    for (const row of report.rows) {
      expect(row).toMatchObject({ kernel: 'softmaxBackward', shape: '12x16', dtype: 'f32', peers: {} });
      expect(row.ms).toBeGreaterThan(0);
      expect(row.spread[0]).toBeLessThanOrEqual(row.ms);
      expect(row.spread[1]).toBeGreaterThanOrEqual(row.ms);
      expect(row.gflops).toBeCloseTo((4 * 12 * 16) / row.ms / 1e6, 9);
      expect(row.gbps).toBeCloseTo((12 * 12 * 16) / row.ms / 1e6, 9);
      expect(row.relError).toBeLessThan(1e-6);
      expect(row.checkedShape).toBe('12x16');
      for (const ms of [row.compileMs, row.warmUpMs]) expect(ms).toBeGreaterThanOrEqual(0);
    }
    expect(report.rows.filter(({ chosen }: { chosen: boolean }) => chosen)).toHaveLength(1);
  });

  test.each([
    [['--filter', 'matmil'], 'no benchmark is called matmil'],
    [['--shapes', '3x'], '3x is no shape'],
    [['--compare', 'missing.json'], 'missing.json'],
    [['--variants', 'best'], 'Allowed choices are all, chosen'],
  ])('%s is told in one line', async (args, message) => {
    const { code, err } = await cloze(['bench', 'kernels', ...args]);
    expect(code).toBe(1);
    expect(err).toMatch(/^cloze: .+\n$/);
    expect(err).toContain(message);
  });
});

test('cloze bench overhead tells the same chain in seven ways', async () => {
  const { code, out } = await cloze(['bench', 'overhead', '--quick', '--json']);
  expect(code).toBe(0);
  const { rows } = JSON.parse(out);
  expect(rows).toHaveLength(7);
  for (const { us, spread, recording } of rows) {
    expect(recording).toBeGreaterThan(0);
    expect(us).toBeGreaterThanOrEqual(spread[0]);
    expect(spread[1]).toBeGreaterThan(recording);
  }
});

describe('turns', () => {
  const sampling = { rounds: 3, samplesPerTurn: 2, seconds: 60 };

  test('alternate, and every other round goes backwards', async () => {
    const order: string[] = [];
    const contestant = (name: string) => ({
      run: async () => {
        order.push(name);
      },
    });
    const samples = await takeTurns([contestant('a'), contestant('b')], sampling);
    expect(order.join('')).toBe('aabbbbaaaabb');
    expect(samples.map((times) => times.length)).toEqual([6, 6]);
  });

  test('a sample is the time of one run', async () => {
    const run = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
    const [times] = await takeTurns([{ run }], sampling);
    expect(summarize(times).spread[0]).toBeGreaterThan(18);
  });

  test('what a contestant throws comes out', async () => {
    const run = () => Promise.reject(new Error('out of breath'));
    await expect(takeTurns([{ run }], sampling)).rejects.toThrow('out of breath');
  });
});

describe('statistics', () => {
  test('median and spread', () => {
    expect(summarize([3, 1, 2])).toEqual({ median: 2, spread: [1, 3] });
    expect(summarize([4, 1, 3, 2])).toEqual({ median: 2.5, spread: [1, 4] });
    expect(() => summarize([])).toThrow(RangeError);
  });

  test('the ratio of two that ran in the same turns', () => {
    expect(ratio([2, 4, 9], [1, 4, 3])).toEqual({ median: 4 / 3, spread: [1, 3] });
  });
});
