/**
 * `node dist/bench/objectives.node.js FOLDER [STEPS [SEEDS]]`: trains what `objectives.ts` names, one run after the other, keeps the
 * last event of each in FOLDER, and prints the table. Runs whose event is there are not run again, so it can be broken off.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DoneEvent } from '../src/mlm/training/events.ts';
import { common, runs, tableLines } from './objectives.ts';

const [folder = 'objectives', steps = '600', seeds = '3'] = process.argv.slice(2);
const cloze = resolve(import.meta.dirname, '../src/cli/main.js');

/** The last event of a run, trained now unless it is kept from before. */
function result(name: string, seed: number): DoneEvent {
  const path = join(folder, `${name.replaceAll(/\W+/g, '-')}-${steps}-${seed}.json`);
  if (!existsSync(path)) {
    const out = mkdtempSync(join(tmpdir(), 'cloze-objective-'));
    const options = `${common} ${runs[name]} --steps ${steps} --seed ${seed} --json`.split(' ');
    const lines = execFileSync(process.execPath, [cloze, 'train', ...options, '--out', join(out, 'run')], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    writeFileSync(path, lines.trimEnd().split('\n').at(-1) as string);
    rmSync(out, { recursive: true });
  }
  return JSON.parse(readFileSync(path, 'utf8')) as DoneEvent;
}

mkdirSync(folder, { recursive: true });
const results: Record<string, DoneEvent[]> = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
for (let seed = 0; seed < Number(seeds); seed++) {
  for (const name of Object.keys(runs)) {
    results[name].push(result(name, seed));
    console.error(`${name}, seed ${seed}: ${results[name][seed].valLoss.toFixed(3)}`);
  }
}
for (const line of tableLines(results)) console.log(line);
