/** Masked diffusion on a language whose entropy rate is known: the bound that it reaches, and the texts that it writes. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { clockEntropyRate } from '../../src/mlm/data/synthetic.ts';
import { type DoneEvent, loadPretrained, unmask } from '../../src/mlm/index.ts';

/** A model that was trained before, to look at it alone. */
const trained = process.env.CLOZE_DIFFUSION;
const symbols = 16;
const length = 32;

let folder: string;
let out: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-diffusion-'));
  out = trained ?? join(folder, 'run');
  if (!trained) execFileSync('npm', ['run', 'build', '--silent']);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/**
 * The entropy rate that a loss per token stands for: the first symbol of a document has no predecessor, and costs ln 16 whatever
 * the model.
 */
const rateOf = (loss: number) => (length * loss - Math.log(symbols)) / (length - 1);

test.skipIf(trained)(
  'the bound lands within 2 % of the entropy rate, and not below it',
  () => {
    const options = [
      '--data',
      'synthetic:clock',
      '--objective',
      'diffusion',
      '--lr',
      '1e-2',
      '--out',
      out,
      '--json',
    ];
    const lines = execFileSync(process.execPath, ['dist/src/cli/main.js', 'train', ...options], {
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 2 ** 26,
    });
    const { valLoss, floor } = JSON.parse(lines.toString().trim().split('\n').at(-1) as string) as DoneEvent;
    // The floor is computed on the very masks that are scored: their sampling error is in both, and drops out.
    const excess = rateOf(valLoss) - rateOf(floor as number);
    console.log(
      `diffusion: ${valLoss.toFixed(4)} nats, floor ${floor?.toFixed(4)}, rate ${(clockEntropyRate + excess).toFixed(4)}`,
    );
    expect(excess / clockEntropyRate).toBeLessThan(0.02);
    expect(excess / clockEntropyRate).toBeGreaterThan(-0.005);
  },
  2_400_000,
);

/** The divergence of the pairs of neighbours in texts from those of the chain, KL(texts ‖ chain) in nats. */
function bigramDivergence(texts: readonly number[][]): number {
  const counts = new Map<number, number>();
  for (const text of texts) {
    for (let i = 1; i < text.length; i++) {
      const distance = (text[i] - text[i - 1] + symbols) % symbols;
      counts.set(distance, (counts.get(distance) ?? 0) + 1);
    }
  }
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  const chain = (d: number) => 0.1 / symbols + (d === 1 ? 0.7 : d === 3 ? 0.2 : 0);
  return [...counts].reduce((sum, [d, n]) => sum + (n / total) * Math.log(n / total / chain(d)), 0);
}

test('the more steps it is given, the more its texts are like the language', async () => {
  using engine = await Engine.open();
  const { model, tokenizer } = await loadPretrained(engine, (name) => readFile(join(out, name)), out);
  const { cls, sep, mask } = tokenizer.special;
  const row = Uint32Array.from([cls, ...new Array<number>(length).fill(mask), sep]);
  const first = tokenizer.tokenToId('a') as number;
  const divergences: number[] = [];
  for (const steps of [1, 4, 16, 64]) {
    const filled = await unmask(
      engine,
      model,
      Array.from({ length: 200 }, () => row),
      tokenizer,
      { steps, seed: 7 },
    );
    const texts = filled.map((ids) => [...ids.subarray(1, -1)].map((id) => id - first));
    divergences.push(bigramDivergence(texts));
  }
  console.log(`KL of neighbours at 1, 4, 16, 64 steps: ${divergences.map((kl) => kl.toFixed(4)).join(', ')}`);
  divergences.slice(1).forEach((kl, i) => {
    expect(kl).toBeLessThan(divergences[i]);
  });
  // Of 6,200 pairs drawn from the chain itself, the divergence is about 15 / 12,400.
  expect(divergences[3]).toBeLessThan(0.02);
}, 300_000);
