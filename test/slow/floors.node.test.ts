/** Trains on the built-in languages as their users would, and compares with the least loss that is possible. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DoneEvent } from '../../src/mlm/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-floors-'));
  execFileSync('npm', ['run', 'build', '--silent']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

function train(data: string, maskRate: string): DoneEvent {
  const out = join(folder, `${data}-${maskRate}`.replace(':', '-'));
  const options = ['--data', data, '--mask-rate', maskRate, '--out', out, '--json'];
  const lines = execFileSync(process.execPath, ['dist/src/cli/main.js', 'train', ...options], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
  const done = JSON.parse(lines.toString().trim().split('\n').at(-1) as string) as DoneEvent;
  console.log(
    `${data} at ${maskRate}: ${done.valLoss.toFixed(4)} nats, floor ${done.floor?.toFixed(4)}, ${done.adapter}`,
  );
  return done;
}

test.each([
  { data: 'synthetic:clock', maskRate: '0.15', above: 1.02 },
  { data: 'synthetic:clock', maskRate: '0.3', above: 1.02 },
  { data: 'synthetic:copy', maskRate: '0.15', above: 1.05 },
  { data: 'synthetic:copy', maskRate: '0.3', above: 1.05 },
])(
  '$data at $maskRate comes to its floor, and not below',
  ({ data, maskRate, above }) => {
    const { valLoss, floor } = train(data, maskRate);
    expect(floor).toBeGreaterThan(0);
    expect(valLoss / (floor as number)).toBeLessThan(above);
    // The floor is computed on the very tokens that are scored; a model may beat it on them by chance alone.
    expect(valLoss / (floor as number)).toBeGreaterThan(0.98);
  },
  1_200_000,
);
