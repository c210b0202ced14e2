import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cloze } from '../cli/terminal.node.ts';

test('activations grow with the tokens and not with their square, and recomputed ones take less', async () => {
  const out = join(tmpdir(), `memory-${process.pid}.svg`);
  const run = await cloze([
    ...['bench', 'memory', '--model', 'nano', '--seq-len', '512,1024', '--batch-size', '1', '--vocab', '64'],
    ...['--out', out, '--quick', '--json'],
  ]);
  expect(run.err).toBe('');
  const { rows } = JSON.parse(run.out);
  expect(rows).toHaveLength(2);
  const [short, long] = rows;
  for (const how of ['kept', 'recomputed']) {
    expect(long[how].activationBytes / short[how].activationBytes).toBeGreaterThan(1.5);
    expect(long[how].bytesPerToken).toBeLessThan(1.15 * short[how].bytesPerToken);
    expect(long[how].msPerStep).toBeGreaterThan(0);
  }
  expect(long.recomputed.activationBytes).toBeLessThan(0.9 * long.kept.activationBytes);
  expect(long.stateBytes).toBeGreaterThan(0);
  const svg = await readFile(out, 'utf8');
  expect(svg.match(/<circle /g)).toHaveLength(4);
  expect(svg).not.toContain('NaN');
});
