/** A corpus of 2 GB: what tokenising and training take of memory, in a process of their own. */
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stories } from '../../src/mlm/data/stories.ts';

const root = resolve(import.meta.dirname, '../..');
const bytes = 2e9;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cloze-2gb-'));
  const { bavail, bsize } = statfsSync(folder);
  expect(bavail * bsize, 'free bytes on the disk of the temporary folder').toBeGreaterThan(3 * bytes);
  const block = stories({ count: 20_000, seed: 1 });
  const file = createWriteStream(join(folder, 'corpus.txt'));
  let written = 0;
  // A number in each story makes documents that differ, and words that are new.
  for (let round = 0; written < bytes; round++) {
    const text = block.map((story, i) => `${(round * block.length + i).toString(36)} ${story}\n\n`).join('');
    written += text.length;
    if (!file.write(text)) await new Promise<void>((done) => file.once('drain', done));
  }
  await new Promise<void>((done) => file.end(done));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Opens the session and trains a few steps, as `cloze train` does; says how long the start took and how much memory all took. */
function run(): {
  opened: number;
  cpu: number;
  peak: number;
  documents: number;
  tokens: number;
  loss: number;
} {
  const program = `
    const { Engine } = await import('${root}/dist/src/autograd/index.js');
    const { openSession } = await import('${root}/dist/src/mlm/data/session.node.js');
    const { parseOptions, Trainer } = await import('${root}/dist/src/mlm/index.js');
    const options = parseOptions({ data: ['${folder}/corpus.txt'], preset: 'nano', steps: 5, evalSequences: 32 });
    const begun = performance.now();
    const session = await openSession(options, undefined, { shards: '${folder}/shards' });
    const opened = (performance.now() - begun) / 1000;
    const cpu = process.cpuUsage().user / 1e6;
    const engine = await Engine.open();
    const trainer = new Trainer({ engine, session, options });
    let loss;
    for await (const event of trainer.run()) if (event.event === 'done') loss = event.valLoss;
    const peak = process.resourceUsage().maxRSS / 1024;
    const { documents, train } = session;
    console.log(JSON.stringify({ opened, cpu, peak, documents, tokens: train.tokens, loss }));
    process.exit();`;
  const args = ['--input-type=module', '-e', program];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }));
}

test('2 GB are tokenised and trained on within 1 GB, and a second start takes seconds', () => {
  execFileSync('npm', ['run', 'build', '--silent'], { cwd: root });
  const first = run();
  console.log('first start', first);
  expect(first.tokens).toBeGreaterThan(3e8);
  expect(first.loss).toBeGreaterThan(0);
  expect(first.peak).toBeLessThan(1024);
  const second = run();
  console.log('second start', second);
  expect(second.loss).toBe(first.loss);
  expect(second.peak).toBeLessThan(1024);
  expect(second.opened).toBeLessThan(60);
}, 3_000_000);
