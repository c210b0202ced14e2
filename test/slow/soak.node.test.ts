/**
 * `npm run soak`: a run that is killed, stopped, robbed of its device and denied its disk at random moments, for as long as
 * CLOZE_SOAK_MINUTES says. It ends with the weights and the numbers of a run that was left alone.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { clearRun, optionsFile } from '../../src/cli/run-folder.ts';
import { Random } from '../../src/kernels/random.ts';
import { openSession } from '../../src/mlm/data/session.node.ts';
import { parseOptions, SurvivingTrainer } from '../../src/mlm/index.ts';
import { FolderStore } from '../../src/mlm/storage/folder-store.node.ts';
import { SmallDisk } from '../cli/smallDisk.node.ts';

const minutes = Number(process.env.CLOZE_SOAK_MINUTES ?? 2);
const options = {
  data: ['synthetic:clock'],
  preset: 'nano',
  layers: 2,
  heads: 2,
  seqLen: 18,
  batchSize: 8,
  accumulation: 2,
  dropout: 0.1,
  schedule: 'cosine',
  evalEvery: 25,
  evalSequences: 32,
  checkpointEvery: 7,
} as const;

let folder: string;
let disk: SmallDisk | undefined;
beforeAll(() => {
  execFileSync('npm', ['run', 'build', '--silent']);
  folder = mkdtempSync(join(tmpdir(), 'cloze-soak-'));
  disk = SmallDisk.mount(64 << 20);
  if (!disk) console.log('no small disk can be mounted here: the disk is never full');
}, 120_000);
afterAll(() => {
  disk?.[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** `cloze train` in a process of its own. */
function start(out: string, steps: number): ChildProcess {
  const flags = Object.entries({ ...options, steps }).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  const resume = existsSync(join(out, optionsFile)) ? ['--resume'] : [];
  const args = ['dist/src/cli/main.js', 'train', ...flags, '--out', out, '--json', '--no-tuning', ...resume];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
}

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  err: string;
}

/** Follows a process to its end; `onEvents` hears after each piece of output how many events there were. */
function follow(child: ChildProcess, onEvents: (count: number) => void = () => {}): Promise<End> {
  return new Promise((resolve) => {
    let events = 0;
    let err = '';
    child.stdout?.on('data', (data: Buffer) => {
      events += data.toString().split('\n').length - 1;
      onEvents(events);
    });
    child.stderr?.on('data', (data: Buffer) => {
      err += data;
    });
    // What Dawn says of its limits is not the command's.
    const own = () => err.replace(/^Warning: .*\n/gm, '');
    child.on('close', (code, signal) => resolve({ code, signal, err: own() }));
  });
}

/** In this process: loses the device after some steps, and a second time soon after, then goes on a while and stops. */
async function loseDevices(out: string, steps: number, random: Random): Promise<boolean> {
  const parsed = parseOptions({ ...options, steps });
  const engines = [await Engine.open()];
  const reopen = async () => {
    engines.push(await Engine.open());
    return engines[engines.length - 1];
  };
  try {
    const session = await openSession(parsed);
    const store = await FolderStore.open(out);
    const resume = (await store.readCheckpoint('checkpoint')) !== undefined;
    if (!resume) await clearRun(out);
    await store.write(optionsFile, JSON.stringify(parsed));
    const trainer = new SurvivingTrainer({
      engine: engines[0],
      reopen,
      session,
      options: parsed,
      store,
      resume,
    });
    let losses = 2;
    let left = 1 + random.below(30);
    let ended = false;
    for await (const event of trainer.run()) {
      if (event.event === 'step' && --left === 0) {
        if (losses-- > 0) trainer.current.slab.engine.device.gpu.destroy();
        else trainer.stop();
        left = 1 + random.below(30);
      }
      if (event.event === 'done') ended = event.reason !== 'stopped';
    }
    trainer.dispose();
    return ended;
  } finally {
    for (const engine of engines) engine.close();
  }
}

test(
  `a run that is disturbed for about ${minutes} minutes ends as one left alone`,
  async () => {
    const began = Date.now();
    const seconds = () => (Date.now() - began) / 1000;
    const random = new Random(Number(process.env.CLOZE_SOAK_SEED ?? 1));

    // How many steps fit: a third of the time for the run that is left alone, the rest for the one that is not.
    const times: number[] = [];
    const trial = await follow(start(join(folder, 'trial'), 100), () => times.push(seconds()));
    expect(trial.code).toBe(0);
    const pace = 80 / (times[times.length - 1] - times[Math.floor(times.length / 5)]);
    const steps = Math.max(100, Math.round(pace * 20 * minutes));
    const whole = join(folder, 'whole');
    expect((await follow(start(whole, steps))).code).toBe(0);
    console.log(`${steps} steps left alone in ${Math.round(seconds())} s`);

    const out = join(disk?.folder ?? folder, 'disturbed');
    const done = { kills: 0, losses: 0, fullDisks: 0 };
    const eventsPerRound = Math.max(10, Math.round(steps / (4 * minutes)));
    for (let ended = false; !ended; ) {
      const disturbance = random.below(disk ? 3 : 2);
      // What is left when the time is up goes undisturbed.
      const late = seconds() > 60 * minutes;
      if (late || disturbance === 0) {
        const child = start(out, steps);
        const killAfter = late ? Number.POSITIVE_INFINITY : 1 + random.below(2 * eventsPerRound);
        const { code, signal, err } = await follow(child, (events) => {
          if (events >= killAfter) child.kill('SIGKILL');
        });
        if (signal === 'SIGKILL') done.kills++;
        else expect({ code, err }).toEqual({ code: 0, err: '' });
        ended = signal === null;
      } else if (disturbance === 1) {
        ended = await loseDevices(out, steps, random);
        done.losses += 2;
      } else if (disk) {
        const child = start(out, steps);
        const fillAfter = 1 + random.below(2 * eventsPerRound);
        let filled = false;
        const { code, err } = await follow(child, (events) => {
          if (filled || events < fillAfter) return;
          filled = true;
          disk?.fill(random.below(1 << 18));
        });
        disk.empty();
        ended = code === 0;
        if (!ended) {
          expect(err).toMatch(/^[^\n]*the disk is full[^\n]*\n$/);
          done.fullDisks++;
        }
      }
    }
    console.log(`disturbed for ${Math.round(seconds())} s in all: ${JSON.stringify(done)}`);
    expect(done.kills + done.losses + done.fullDisks).toBeGreaterThan(0);
    for (const name of [
      'model.safetensors',
      'metrics.jsonl',
      'checkpoint/model.safetensors',
      'checkpoint/optimizer.safetensors',
    ]) {
      const [want, got] = [whole, out].map((place) => readFileSync(join(place, name)));
      expect(got.equals(want), name).toBe(true);
    }
  },
  180_000 + 3 * 60_000 * minutes,
);
