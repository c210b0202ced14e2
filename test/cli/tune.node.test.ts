import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RememberedChoice } from '../../src/kernels/index.ts';
import { cloze } from './terminal.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'cloze-tune-'));
const at = (name: string) => join(folder, name);
const cacheHome = process.env.XDG_CACHE_HOME;
const file = at('cloze/tuning.json');
const sizes = ['--preset', 'nano', '--seq-len', '18', '--batch-size', '2', '--data', 'synthetic:clock'];

interface Measured {
  adapter: string;
  driver: string;
  engine: string;
  problems: { kernel: string; problem: object; own: string; variant: string; ms: Record<string, number> }[];
}

let measured: Measured;

beforeAll(async () => {
  process.env.XDG_CACHE_HOME = folder;
  const { code, out, err } = await cloze(['tune', ...sizes, '--quick', '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  measured = JSON.parse(out);
}, 240_000);

afterAll(() => {
  if (cacheHome === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheHome;
  rmSync(folder, { recursive: true });
});

/** Remembers that `naive` is the fastest for each product, whatever was measured. */
async function preferNaive(): Promise<void> {
  const { adapter, driver, engine, problems } = measured;
  const products = problems.filter(({ kernel }) => kernel === 'matmul');
  const choices: RememberedChoice[] = products.map(({ kernel, problem, own }) => ({
    adapter,
    driver,
    engine,
    kernel,
    problem: JSON.stringify(problem),
    variant: 'naive',
    own,
    ratio: 1.5,
  }));
  await writeFile(file, JSON.stringify(choices));
}

async function train(name: string, ...more: string[]) {
  const run = ['train', ...sizes, '--eval-sequences', '1', '--steps', '2', '--out', at(name)];
  const { code, out, err } = await cloze([...run, '--schedule', 'constant', '--json', ...more]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const events = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { events, weights: await readFile(at(`${name}/checkpoint/model.safetensors`)) };
}

describe('cloze tune', () => {
  test('measures every kernel of a step where there is a choice', () => {
    const kernels = new Set(measured.problems.map(({ kernel }) => kernel));
    for (const kernel of ['matmul', 'layerNormBackward', 'embeddingBackward', 'adamw'])
      expect(kernels).toContain(kernel);
    const keys = measured.problems.map(({ kernel, problem }) => kernel + JSON.stringify(problem));
    expect(new Set(keys).size).toBe(keys.length);
    const raced = measured.problems.filter(({ ms }) => Object.keys(ms).length > 1);
    expect(raced.length).toBeGreaterThan(5);
    for (const { own, variant, ms } of raced) {
      expect(ms).toHaveProperty(own);
      if (variant !== own) expect(ms[variant]).toBeLessThan(ms[own]);
    }
  });

  test('lists what it remembers, and forgets it', async () => {
    await preferNaive();
    const [text, json] = [await cloze(['tune', '--list']), await cloze(['tune', '--list', '--json'])];
    const { choices, place } = JSON.parse(json.out);
    expect(place).toBe(file);
    expect(choices.length).toBeGreaterThan(10);
    expect(text.out).toContain(`\n${measured.adapter} (${measured.driver}), cloze ${measured.engine}\n`);
    expect(text.out).toMatch(/ -> naive, 1\.50x as fast +matmul .*m=64/);
    expect((await cloze(['tune', '--clear'])).out).toBe(`Nothing is remembered any more in ${file}\n`);
    expect((await cloze(['tune', '--list'])).out).toBe(`Nothing is remembered in ${file}\n`);
  });
});

describe('a run after tuning', () => {
  test('uses the choices, says so, and repeats itself bit for bit', async () => {
    await cloze(['tune', '--clear']);
    const untuned = await train('untuned');
    expect(untuned.events[0].tuning).toBeNull();
    await preferNaive();
    const first = await train('first', '--profile');
    const { choices, digest } = first.events[0].tuning;
    expect(choices).toBeGreaterThan(10);
    expect(digest).toMatch(/^[0-9a-f]{8}$/);
    const { kernels } = first.events.at(-1);
    const names = kernels.map(({ label }: { label: string }) => label);
    expect(names).toContain('matmul/naive');
    const second = await train('second');
    expect(second.events[0].tuning).toEqual({ choices, digest });
    expect(second.weights.equals(first.weights)).toBe(true);
    const without = await train('without', '--no-tuning');
    expect(without.events[0].tuning).toBeNull();
    expect(without.weights.equals(untuned.weights)).toBe(true);
  });

  test('keeps to its choices when it is resumed, whatever was tuned or forgotten since', async () => {
    await preferNaive();
    const whole = await train('whole', '--steps', '4');
    await train('part', '--steps', '2');
    await cloze(['tune', '--clear']);
    const resumed = await train('part', '--steps', '4', '--resume');
    expect(resumed.events[0].tuning).toEqual(whole.events[0].tuning);
    expect(resumed.weights.equals(whole.weights)).toBe(true);
    await train('plain', '--steps', '2');
    await preferNaive();
    const plain = await train('plain', '--steps', '4', '--resume');
    expect(plain.events[0].tuning).toBeNull();
  });
});
