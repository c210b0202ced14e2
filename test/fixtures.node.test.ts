import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { serializeSafetensors, storedTensor } from '../src/nn/safetensors.ts';
import { Report } from './fixtures/report.ts';
import { type FixtureOptions, runFixtures } from './fixtures/run.ts';
import { compare } from './fixtures/tolerance.ts';

const shared = resolve(process.env.CLOZE_SHARED ?? join(import.meta.dirname, '../../shared'), 'fixtures');
const present = existsSync(shared);
if (!present && process.env.CI) throw new Error(`No fixtures at ${shared}; set CLOZE_SHARED`);
if (!present) console.warn(`Skipped: no fixtures at ${shared}; set CLOZE_SHARED`);

const scratch = mkdtempSync(join(tmpdir(), 'cloze-fixtures-'));
afterAll(() => rmSync(scratch, { recursive: true }));

async function run(directory: string, options: FixtureOptions = {}) {
  const lines: string[] = [];
  const report = new Report((line) => lines.push(line));
  await runFixtures(directory, options, report);
  return { lines, report };
}

test.skipIf(!present)(
  'every fixture agrees',
  async () => {
    const { lines, report } = await run(shared);
    expect(lines).toEqual([]);
    expect(report.passed).toBeGreaterThan(800);
  },
  300_000,
);

describe('tolerances', () => {
  const against = (values: number[], got: number[], limits: object) =>
    compare(got, [got.length], { shape: [values.length], values, ...limits });

  test('grow with the value', () => {
    expect(against([100], [100.19], { atol: 0.1, rtol: 1e-3 })).toBeUndefined();
    expect(against([100], [100.21], { atol: 0.1, rtol: 1e-3 })).toMatch(
      /^at \[0\] got 100.21, want 100, allowed ±0.2;/,
    );
  });

  test('demand the same infinity, and refuse NaN', () => {
    const limits = { atol: 1, rtol: 1 };
    expect(against([Infinity, -Infinity], [Infinity, -Infinity], limits)).toBeUndefined();
    expect(against([Infinity], [-Infinity], limits)).toMatch(/got -Infinity, want Infinity/);
    expect(against([Infinity], [3e38], limits)).toMatch(/want Infinity/);
    expect(against([0], [Number.NaN], limits)).toMatch(/got NaN, want 0/);
  });

  test('may allow more to a share of the values', () => {
    const limits = { atol: 0.1, share_within: 0.75, atol_rest: 1 };
    expect(against([0, 0, 0, 0], [0, 0, 0, 0.9], limits)).toBeUndefined();
    expect(against([0, 0, 0, 0], [0, 0, 0.9, 0.9], limits)).toMatch(/allowed ±0.1; 2 of 4/);
    expect(against([0, 0, 0, 0], [0, 0, 0, 1.1], limits)).toMatch(/allowed ±1; 1 of 4/);
  });

  test('do not forgive another shape', () => {
    expect(compare([1, 2], [2], { shape: [2, 1], values: [1, 2] })).toMatch(/shape \[2\], want \[2, 1\]/);
  });
});

describe('a directory', () => {
  test('that is missing or holds nothing is an error', async () => {
    await expect(run(join(scratch, 'nowhere'))).rejects.toThrow(/there is no directory .*nowhere/);
    await expect(run(scratch)).rejects.toThrow(/holds no fixtures/);
  });

  test('with faults gives a line for each, and the rest is still checked', async () => {
    const folder = join(scratch, 'ops');
    mkdirSync(folder);
    const numbers = (...values: number[]) => storedTensor(Float32Array.from(values), [values.length]);
    const tensors = new Map([
      ['in.x', numbers(-1, 2)],
      ['out.y', numbers(0, 2.5)],
      ['grad_out.y', numbers(1, 1)],
      ['grad_in.x', numbers(0, 1)],
    ]);
    writeFileSync(join(folder, 'relu.safetensors'), serializeSafetensors(tensors));
    const entry = {
      name: 'relu',
      op: 'relu',
      file: 'relu.safetensors',
      outputs: { y: { shape: [2], atol: 1e-6, rtol: 0 } },
      grads: { x: { shape: [2], atol: 1e-6, rtol: 0 } },
    };
    const cases = [
      entry,
      { ...entry, name: 'other', op: 'toString' },
      { ...entry, name: 'lost', file: 'lost.safetensors' },
      { ...entry, name: 'twisted', attrs: { slope: 0.1 } },
    ];
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ cases }));
    const { lines, report } = await run(scratch);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^FAIL ops\/relu y: at \[1\] got 2, want 2.5, allowed ±0.000001; 1 of 2 values/);
    expect(lines[1]).toBe('FAIL ops/other: the op toString is not known');
    expect(lines[2]).toMatch(/^FAIL ops\/lost: .*lost\.safetensors/);
    expect(lines[3]).toBe('FAIL ops/twisted: the attribute slope is not known');
    expect(report.summary).toBe('1 passed, 4 failed');
  });
});
