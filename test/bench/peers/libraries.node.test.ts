import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { peersInNode } from '../../../bench/peers/libraries.node.ts';
import { cloze } from '../../cli/terminal.node.ts';

const smallest = ['--filter', 'matmulB', '--shapes', '2x8x4x12', '--quick'];

test('cloze bench kernels --peers times other libraries on our adapter, and they are right', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cloze-peers-'));
  const page = join(folder, 'page.md');
  writeFileSync(page, 'Before\n<!-- table -->\nold\n<!-- end of table -->\nAfter\n');
  const { code, out, err } = await cloze([
    'bench',
    'kernels',
    '--peers',
    ...smallest,
    '--json',
    '--markdown',
    page,
  ]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const report = JSON.parse(out);
  expect(Object.keys(report)).toEqual(['adapter', 'ceiling', 'control', 'rows']);
  const [row] = report.rows;
  expect(row).toMatchObject({ kernel: 'matmulBatched', shape: '2x8x4x12', variant: 'op', dtype: 'f32' });
  expect(row.relError).toBeLessThan(1e-6);
  expect(Object.keys(row.peers)).toEqual(Object.keys(peersInNode));
  for (const name of Object.keys(peersInNode)) {
    const { ms, ratio, relError, note } = row.peers[name];
    expect(note).toBeUndefined();
    expect(ms).toBeGreaterThan(0);
    expect(ratio).toBeGreaterThan(0);
    expect(relError).toBeLessThan(1e-6);
  }
  const text = readFileSync(page, 'utf8');
  expect(text.startsWith('Before\n<!-- table -->\n\n- ')).toBe(true);
  expect(text).toContain('\n| matmulBatched | 2x8x4x12 | cloze |');
  expect(text.endsWith('|\n\n<!-- end of table -->\nAfter\n')).toBe(true);
  expect(text).not.toContain('old');
});

test('an operation that is not among them is told in one line', async () => {
  const { code, err } = await cloze(['bench', 'kernels', '--peers', '--filter', 'copy']);
  expect(code).toBe(1);
  expect(err).toMatch(/^cloze: no benchmark is called copy\. Known: matmul, .+\n$/);
});
