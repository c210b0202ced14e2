import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, indices } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { materialize } from '../../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** Logits of three tokens that stand at these positions. */
async function logits(kind: 'absolute' | 'rotary', positions: readonly number[]): Promise<Float32Array> {
  const config = presetConfig('nano', {
    vocab_size: 9,
    max_position_embeddings: 40,
    position_embedding_type: kind,
  });
  const model = new BertForMaskedLM(config).eval();
  const slab = materialize(model, engine, { seed: 3 });
  using _scope = engine.openScope();
  const row = (values: readonly number[]) => indices(engine, Uint32Array.from(values), [1, 3]);
  const input = { ids: row([4, 5, 6]), types: row([0, 0, 0]), positions: row(positions), mask: {} };
  const result = (await model.forward(input).data()) as Float32Array;
  slab.dispose();
  return result;
}

const distance = (a: Float32Array, b: Float32Array) => Math.max(...a.map((x, i) => Math.abs(x - b[i])));

test('rotary positions tell order and distance, and not the place in the text', async () => {
  const here = await logits('rotary', [0, 1, 2]);
  expect(distance(here, await logits('rotary', [30, 31, 32]))).toBeLessThan(1e-4);
  expect(distance(here, await logits('rotary', [2, 1, 0]))).toBeGreaterThan(1e-3);
  expect(distance(here, await logits('rotary', [0, 1, 7]))).toBeGreaterThan(1e-3);
});

test('absolute positions tell the place in the text', async () => {
  const here = await logits('absolute', [0, 1, 2]);
  expect(distance(here, await logits('absolute', [30, 31, 32]))).toBeGreaterThan(1e-3);
});

test('a model with rotary positions has no position table', () => {
  const names = (kind: 'absolute' | 'rotary') =>
    [...new BertForMaskedLM(presetConfig('nano', { position_embedding_type: kind })).namedParameters()].map(
      ([name]) => name,
    );
  expect(names('rotary').filter((name) => name.includes('position'))).toEqual([]);
  expect(names('absolute').filter((name) => name.includes('position'))).toHaveLength(1);
});
