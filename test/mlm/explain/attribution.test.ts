import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import type { AnyModel } from '../../../src/mlm/anyModel.ts';
import { uploadBatch } from '../../../src/mlm/data/batchInputs.ts';
import { bodyOf } from '../../../src/mlm/embed.ts';
import { attentionMaps, mapOf } from '../../../src/mlm/explain/attentionMaps.ts';
import { attribute } from '../../../src/mlm/explain/attribution.ts';
import { questionOf } from '../../../src/mlm/explain/question.ts';
import { fillMask } from '../../../src/mlm/fillMask.ts';
import { languageModel } from '../../../src/mlm/objectives/languageModel.ts';
import { smallModel } from '../smallModel.ts';

let engine: Engine;
let model: AnyModel;

beforeAll(async () => {
  engine = await Engine.open();
  // Weights of some size, so that answers depend on the text.
  const language = await smallModel(engine, { initializer_range: 0.3 });
  model = { ...language, engine, language, trainee: languageModel(language.config, language.model) };
});
afterAll(() => engine.close());

const text = 'the cat sat on the [MASK] and the dog lay by the red door';

describe('attribution', () => {
  test('explains the answer that the model gives, with its probability', async () => {
    const { batch, tokens, target } = await questionOf(model, text);
    const { value } = await attribute(engine, model.trainee, batch, model.tokenizer, { steps: 1 });
    const [[best]] = await fillMask(model.language!, text);
    expect(target).toBe(best.token_str);
    expect(Math.exp(value)).toBeCloseTo(best.score, 4);
    expect(tokens[6]).toBe('[MASK]');
  });

  test('by integrated gradients is complete: its sum is what the text does for the answer', async () => {
    for (const target of [undefined, 'door']) {
      const { batch } = await questionOf(model, text, { target });
      const gap = async (steps: number) => {
        const { scores, value, baseline } = await attribute(engine, model.trainee, batch, model.tokenizer, {
          steps,
        });
        const sum = scores.reduce((total, score) => total + score, 0);
        expect(Math.abs(value - baseline)).toBeGreaterThan(0.02);
        return Math.abs(sum - (value - baseline));
      };
      const fine = await gap(64);
      expect(fine).toBeLessThan(0.005);
      expect(await gap(2)).toBeGreaterThan(fine);
    }
  });

  test('gives nothing to special tokens, which are the same in a text that says nothing', async () => {
    const { batch, tokens } = await questionOf(model, text);
    const { scores } = await attribute(engine, model.trainee, batch, model.tokenizer, { steps: 4 });
    for (const [i, token] of tokens.entries()) {
      if (token.startsWith('[')) expect(scores[i]).toBe(0);
      else expect(scores[i]).not.toBe(0);
    }
  });

  test('by gradient times input is the slope as a token grows', async () => {
    const { batch, tokens } = await questionOf(model, text);
    const { scores } = await attribute(engine, model.trainee, batch, model.tokenizer, { method: 'gradient' });
    const words = await bodyOf(model.model).wordEmbeddings.data();
    const width = model.config.hidden_size;
    /** ln p of the answer with the embedding of one token made larger. */
    const grown = async (token: number, factor: number) => {
      const embeds = Float32Array.from({ length: tokens.length * width }, (_, i) => {
        const t = Math.floor(i / width);
        return words[batch.inputIds[t] * width + (i % width)] * (t === token ? factor : 1);
      });
      const loss = engine.noGrad(() =>
        engine.scope(() => {
          const inputs = uploadBatch(engine, model.trainee, batch, { normalizer: 1, tokens: 1 });
          return model.trainee.loss({ ...inputs, embeds: engine.tensor(embeds, [1, tokens.length, width]) })
            .loss;
        }),
      );
      const value = -(await loss.item());
      loss.dispose();
      return value;
    };
    const h = 0.01;
    for (const token of [0, 2, 6, tokens.length - 2]) {
      const slope = ((await grown(token, 1 + h)) - (await grown(token, 1 - h))) / (2 * h);
      expect(Math.abs(scores[token] - slope)).toBeLessThan(0.01 + 0.02 * Math.abs(slope));
    }
  });

  test('refuses what cannot be asked', async () => {
    await expect(questionOf(model, 'the cat')).rejects.toThrow(/there is no \[MASK\]/);
    await expect(questionOf(model, text, { blank: 2 })).rejects.toThrow(/1 blank\(s\), and no number 2/);
    await expect(questionOf(model, text, { target: 'the cat' })).rejects.toThrow(/"the cat" is 2 tokens/);
  });
});

test('maps of attention are distributions, of each head of each layer', async () => {
  const maps = await attentionMaps(model, text);
  const T = maps.tokens.length;
  expect(maps).toMatchObject({ layers: 2, heads: 2 });
  for (const layer of [0, 1]) {
    for (const head of [0, 1]) {
      const map = mapOf(maps, layer, head);
      expect(map).toHaveLength(T * T);
      for (let row = 0; row < T; row++) {
        const own = map.subarray(row * T, (row + 1) * T);
        expect(own.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      }
    }
  }
  expect(mapOf(maps, 0, 0)).not.toEqual(mapOf(maps, 1, 1));
});
