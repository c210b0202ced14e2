/** Trains the same model in f32 and in f16, and compares what validation finds. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Device } from '../../src/gpu/index.ts';
import type { EvalEvent, TrainEvent } from '../../src/mlm/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-precision-'));
  execFileSync('npm', ['run', 'build', '--silent']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Validation losses on the way. */
function curve(dtype: string, optimizer: string): number[] {
  const options = ['--preset', 'nano', '--optimizer', optimizer, '--steps', '300', '--eval-every', '30'];
  const run = ['--dtype', dtype, '--out', join(folder, `${optimizer}-${dtype}`), '--json'];
  const lines = execFileSync(process.execPath, ['dist/src/cli/main.js', 'train', ...options, ...run], {
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
  const events = lines
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TrainEvent);
  const losses = events.filter((event): event is EvalEvent => event.event === 'eval').map(({ loss }) => loss);
  console.log(`${optimizer}, ${dtype}: ${losses.map((loss) => loss.toFixed(4)).join(' ')}`);
  return losses;
}

test.each(['muon', 'adamw'])(
  'after 300 steps with %s on stories, f16 validates within 1 % of f32',
  async (optimizer) => {
    using device = await Device.open();
    if (!device.capabilities.features.has('shader-f16')) {
      console.log(`skipped: ${device.capabilities.name} has no shader-f16`);
      return;
    }
    const [whole, half] = ['f32', 'f16'].map((dtype) => curve(dtype, optimizer));
    expect(half.length).toBe(10);
    expect(Math.abs((half.at(-1) as number) / (whole.at(-1) as number) - 1)).toBeLessThan(0.01);
  },
  1_200_000,
);
