import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { bertInput } from '../../src/mlm/bert/input.ts';
import { bodyOf, cosine, type Embedder, embed } from '../../src/mlm/embed.ts';
import { attentionMaps } from '../../src/mlm/explain/attentionMaps.ts';
import { smallModel } from './smallModel.ts';

let engine: Engine;
let embedder: Embedder;

beforeAll(async () => {
  engine = await Engine.open();
  embedder = { ...(await smallModel(engine)), engine };
});
afterAll(() => engine.close());

const texts = ['the cat', 'the dog lay by the old red door and the cat sat on the mat', 'red', 'the cat'];

describe('an embedding', () => {
  test('is the mean of the hidden states of all tokens', async () => {
    const { model, config, tokenizer } = embedder;
    const ids = Uint32Array.from(tokenizer.encode(texts[0]).ids);
    const hidden = engine.noGrad(() =>
      engine.scope(() => bodyOf(model).forward(bertInput(engine, { ids, shape: [1, ids.length] }, config))),
    );
    const states = await hidden.data();
    hidden.dispose();
    const [embedding] = await embed(embedder, [texts[0]]);
    expect(embedding).toHaveLength(config.hidden_size);
    embedding.forEach((value, c) => {
      let sum = 0;
      for (let t = 0; t < ids.length; t++) sum += states[t * config.hidden_size + c];
      expect(value).toBeCloseTo(sum / ids.length, 5);
    });
  });

  test('does not depend on its company in a batch', async () => {
    const alone: Float32Array[] = [];
    for (const text of texts) alone.push(...(await embed(embedder, [text])));
    for (const batchSize of [2, 32]) {
      const together = await embed(embedder, texts, { batchSize });
      together.forEach((embedding, i) => {
        embedding.forEach((value, c) => {
          expect(Math.abs(value - alone[i][c])).toBeLessThan(1e-5);
        });
      });
    }
    expect(cosine(alone[0], alone[3])).toBeCloseTo(1, 6);
    expect(cosine(alone[0], alone[2])).toBeLessThan(0.999);
  });

  test('of a model that reads left to right is made of states that do not look to the right', async () => {
    const causal: Embedder = { ...(await smallModel(engine, { objective: 'causal' })), engine };
    const maps = await attentionMaps(causal, texts[0]);
    const T = maps.tokens.length;
    for (let at = 0; at < maps.attention.length; at++) {
      const [row, column] = [Math.floor(at / T) % T, at % T];
      if (column > row) expect(maps.attention[at]).toBe(0);
    }
  });

  test('of a text that is too long is refused, or of its beginning', async () => {
    const long = 'the '.repeat(60);
    await expect(embed(embedder, [long])).rejects.toThrow(
      /the text has 62 tokens, and this model reads at most 40/,
    );
    const [cut] = await embed(embedder, [long], { truncate: true });
    const [beginning] = await embed(embedder, ['the '.repeat(38)]);
    expect(cut).toEqual(beginning);
  });
});

test('the cosine is that of the angle', () => {
  expect(cosine([1, 0], [1, 1])).toBeCloseTo(Math.SQRT1_2, 12);
  expect(cosine([1, 2, 3], [-2, -4, -6])).toBeCloseTo(-1, 12);
  expect(cosine([0, 0], [1, 2])).toBe(0);
});
