import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine, indices } from '../../src/autograd/index.ts';
import { parseConfig, presetConfig } from '../../src/mlm/bert/config.ts';
import { BertForMaskedLM, bertInput, fillMask, loadPretrained, trainTokenizer } from '../../src/mlm/index.ts';
import { descriptionFiles, type Pretrained, weightsFile } from '../../src/mlm/pretrained.ts';
import { materialize, parseSafetensors, serializeSafetensors } from '../../src/nn/index.ts';

let engine: Engine;
let original: Pretrained;
let files: Record<string, Uint8Array>;

beforeAll(async () => {
  engine = await Engine.open();
  const tokenizer = await trainTokenizer({
    kind: 'wordpiece',
    corpus: 'the cat sat on the mat',
    minFrequency: 1,
  });
  const config = presetConfig('nano', { vocab_size: tokenizer.vocabSize, max_position_embeddings: 12 });
  const model = new BertForMaskedLM(config);
  const slab = materialize(model, engine, { seed: 3 });
  model.eval();
  original = { config, model, slab, tokenizer };
  const text = new TextEncoder();
  files = { 'model.safetensors': await weightsFile(slab, config) };
  for (const [name, content] of Object.entries(descriptionFiles(config, tokenizer))) {
    files[name] = text.encode(content);
  }
});
afterAll(() => engine.close());

const load = (changed: Record<string, Uint8Array | undefined> = {}) =>
  loadPretrained(engine, async (name) => ({ ...files, ...changed })[name], 'folder');

async function logits({ model, config }: Pretrained, ids: number[], positions?: number[]): Promise<number[]> {
  const output = engine.noGrad(() =>
    engine.scope(() => {
      const input = bertInput(engine, { ids: Uint32Array.from(ids), shape: [1, ids.length] }, config);
      return model.forward(input, positions && indices(engine, Uint32Array.from(positions)));
    }),
  );
  const values = [...(await output.data())];
  output.dispose();
  return values;
}

describe('a model folder', () => {
  test('written and loaded gives the same logits, bit for bit', async () => {
    const loaded = await load();
    expect(loaded.config).toMatchObject({ hidden_size: 64, norm_position: 'post' });
    expect(await logits(loaded, [2, 7, 4, 3])).toEqual(await logits(original, [2, 7, 4, 3]));
    loaded.slab.dispose();
  });

  test.each([
    [{}, 'bert'],
    [{ norm_position: 'pre' }, 'cloze-bert'],
    [{ position_embedding_type: 'rotary' }, 'cloze-bert'],
  ] as const)('with %o says that it is a %s', (fields, type) => {
    const written = descriptionFiles(presetConfig('nano', fields), original.tokenizer)['config.json'];
    expect(JSON.parse(written).model_type).toBe(type);
    expect(parseConfig(JSON.parse(written))).toMatchObject(fields);
  });

  test('names every tensor that is missing, unknown or of another shape', async () => {
    const { tensors } = parseSafetensors(files['model.safetensors']);
    tensors.delete('cls.predictions.bias');
    const bias = tensors.get('bert.embeddings.LayerNorm.bias')!;
    tensors.set('stranger', bias);
    tensors.set('bert.embeddings.LayerNorm.weight', { ...bias, shape: [1, 64] });
    const weights = serializeSafetensors(tensors);
    await expect(load({ 'model.safetensors': weights })).rejects.toThrow(
      /missing: cls\.predictions\.bias; unknown to the model: stranger; bert\.embeddings\.LayerNorm\.weight is \[1, 64\]/,
    );
  });

  test.each([
    ['config.json', undefined, /folder has no config\.json/],
    ['model.safetensors', undefined, /folder has no model\.safetensors/],
    ['tokenizer.json', undefined, /neither tokenizer\.json nor vocab\.txt/],
    ['config.json', '{', /config\.json is not JSON/],
    [
      'config.json',
      '{"model_type": "gpt2"}',
      /asks for the architecture gpt2.*Known: bert, modernbert, cloze-bert/,
    ],
    ['config.json', '{"hidden_size": 65}', /hidden_size 65 is not divisible/],
    ['model.safetensors', 'short', /model\.safetensors/],
  ])('with a bad %s is refused in one line', async (name, content, message) => {
    const error = await load({
      [name]: content === undefined ? undefined : new TextEncoder().encode(content),
    }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('\n');
  });
});

test('a tokenizer with too few tokens is refused, unless the model was trained elsewhere', async () => {
  const config = JSON.parse(new TextDecoder().decode(files['config.json']));
  const smaller = await trainTokenizer({ kind: 'wordpiece', corpus: 'the cat', minFrequency: 1 });
  const text = new TextEncoder();
  const tokenizer = text.encode(JSON.stringify(smaller));
  const message = `folder/tokenizer.json has ${smaller.vocabSize} tokens, and the model that folder/config.json describes has ${config.vocab_size}. Put`;
  await expect(load({ 'tokenizer.json': tokenizer })).rejects.toThrow(message);
  const { objective: _, ...foreign } = config;
  const loaded = await load({
    'tokenizer.json': tokenizer,
    'config.json': text.encode(JSON.stringify(foreign)),
  });
  expect(loaded.tokenizer.vocabSize).toBe(smaller.vocabSize);
  loaded.slab.dispose();
});

test('logits at chosen positions are those of all positions', async () => {
  const ids = [2, 5, 6, 7, 8, 3];
  const all = await logits(original, ids);
  const width = all.length / ids.length;
  const some = await logits(original, ids, [4, 1]);
  const want = [...all.slice(4 * width, 5 * width), ...all.slice(width, 2 * width)];
  some.forEach((value, i) => {
    expect(value).toBeCloseTo(want[i], 5);
  });
});

describe('fillMask', () => {
  test('gives the likeliest tokens of every blank, in order, with probabilities', async () => {
    const { tokenizer } = original;
    const all = await fillMask(original, 'the [MASK] sat on [MASK] mat', { topK: tokenizer.vocabSize });
    expect(all).toHaveLength(2);
    for (const predictions of all) {
      const scores = predictions.map(({ score }) => score);
      expect(scores.reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 5);
      expect([...scores].sort((a, b) => b - a)).toEqual(scores);
      for (const { token, token_str } of predictions) expect(tokenizer.decode([token])).toBe(token_str);
    }
    const cat = all[0].find(({ token_str }) => token_str === 'cat');
    expect(cat?.sequence).toBe('the cat sat on [MASK] mat');
    expect(await fillMask(original, 'the [MASK]', { topK: 2 })).toMatchObject([{ length: 2 }]);
  });

  test('refuses a text without a blank, and one that is too long', async () => {
    await expect(fillMask(original, 'the cat')).rejects.toThrow(/no \[MASK\] in "the cat"/);
    await expect(fillMask(original, `${'the '.repeat(20)}[MASK]`)).rejects.toThrow(
      /the text has 23 tokens, and this model reads at most 12/,
    );
  });
});
