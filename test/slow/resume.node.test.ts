/** Kills real runs at random moments and lets them go on. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/kernels/random.ts';

const options =
  '--data synthetic:clock --preset nano --seq-len 18 --batch-size 8 --accumulation 2 --dropout 0.1 --schedule cosine ' +
  '--steps 120 --eval-every 10 --eval-sequences 32 --checkpoint-every 4';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-kill-'));
  execFileSync('npm', ['run', 'build', '--silent']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

function start(out: string, ...more: string[]): ChildProcess {
  const args = ['dist/src/cli/main.js', 'train', ...options.split(' '), '--out', out, '--json', ...more];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
}

/** Runs to the end, or kills after `killAfter` events. Resolves with whether it was killed. */
function follow(child: ChildProcess, killAfter = Number.POSITIVE_INFINITY): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let events = 0;
    child.stdout?.on('data', (data: Buffer) => {
      events += data.toString().split('\n').length - 1;
      if (events >= killAfter) child.kill('SIGKILL');
    });
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(signal === 'SIGKILL');
      else reject(new Error(`the run ended with code ${code}`));
    });
  });
}

test('a run killed again and again ends with the same weights and metrics as one left alone', async () => {
  const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
  expect(await follow(start(whole))).toBe(false);

  const random = new Random(7);
  let kills = 0;
  let more: string[] = [];
  while (await follow(start(killed, ...more), kills < 5 ? 3 + random.below(40) : undefined)) {
    kills++;
    more = ['--resume'];
  }
  console.log(`killed ${kills} times`);
  expect(kills).toBe(5);
  for (const name of ['model.safetensors', 'metrics.jsonl', 'checkpoint/model.safetensors']) {
    const [want, got] = await Promise.all([readFile(join(whole, name)), readFile(join(killed, name))]);
    expect(got.equals(want), name).toBe(true);
  }
}, 600_000);
