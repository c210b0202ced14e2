import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, indices, markReplaced, sampleRows } from '../../../src/autograd/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const rows = 20_000;
const shares = [0.5, 0.3, 0.15, 0.05];

async function draw(step: number, layer = 0): Promise<Uint32Array> {
  engine.seed(5, step);
  const row = shares.map(Math.log);
  const logits = engine.tensor(
    Float32Array.from({ length: 4 * rows }, (_, i) => row[i % 4]),
    [rows, 4],
  );
  const { chosen, oneHot } = sampleRows(logits, { state: engine.randomState, layer });
  const classes = (await chosen.data()) as Uint32Array;
  const hot = await oneHot.data();
  classes.forEach((choice, r) => {
    for (let c = 0; c < 4; c++) if (hot[4 * r + c] !== Number(c === choice)) throw new Error(`row ${r}`);
  });
  return classes;
}

test('classes are drawn by their probabilities, the same for the same step and layer', async () => {
  const first = await draw(1);
  const counts = shares.map((_, c) => first.filter((choice) => choice === c).length);
  const statistic = counts.reduce((sum, n, c) => sum + (n - rows * shares[c]) ** 2 / (rows * shares[c]), 0);
  expect(statistic).toBeLessThan(16.27); // p = 0.001 at 3 degrees of freedom
  expect(await draw(1)).toEqual(first);
  expect(await draw(2)).not.toEqual(first);
  expect(await draw(1, 1)).not.toEqual(first);
});

test('tokens that were replaced by another one are marked, and the labels given stay as they are', async () => {
  const labels = engine.tensor(Int32Array.of(0, 0, 0, -100, 0));
  const chosen = engine.tensor(Uint32Array.of(7, 8, 9));
  const truth = engine.tensor(Int32Array.of(7, 9, -100));
  const marked = markReplaced(labels, chosen, truth, indices(engine, Uint32Array.of(4, 1, 2)));
  expect([...(await marked.data())]).toEqual([0, 1, 0, -100, 0]);
  expect([...(await labels.data())]).toEqual([0, 0, 0, -100, 0]);
});
