/** The options of the architecture: each changes what it should, trains every parameter, and comes back from a file. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, indices } from '../../../src/autograd/index.ts';
import { type BertConfig, modelType, presetConfig } from '../../../src/mlm/bert/config.ts';
import { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { bertInput } from '../../../src/mlm/bert/input.ts';
import type { BertTrace } from '../../../src/mlm/bert/model.ts';
import { Decoding } from '../../../src/mlm/generate/decoding.ts';
import { loadPretrained, MemoryStore, trainTokenizer, weightsFile } from '../../../src/mlm/index.ts';
import { descriptionFiles } from '../../../src/mlm/pretrained.ts';
import { materialize } from '../../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const ids = Uint32Array.of(2, 5, 6, 7, 5, 8, 6, 5, 7, 3);
const variants: Record<string, Partial<BertConfig>> = {
  sinusoidal: { position_embedding_type: 'sinusoidal' },
  rms: { norm_type: 'rms', norm_position: 'pre' },
  'rms, post': { norm_type: 'rms' },
  geglu: { feed_forward: 'geglu' },
  untied: { tie_word_embeddings: false },
  'local, rotary': {
    global_attn_every_n_layers: 2,
    local_attention: 4,
    position_embedding_type: 'rotary',
    norm_position: 'pre',
  },
};
const configOf = (name: string) =>
  presetConfig('nano', { vocab_size: 9, max_position_embeddings: 12, ...variants[name] });

test.each(Object.keys(variants))('%s', async (name) => {
  const config = configOf(name);
  expect(modelType(config)).toBe(name === 'untied' ? 'bert' : 'cloze-bert');
  const model = new BertForMaskedLM(config).eval();
  const slab = materialize(model, engine, { seed: 2 });
  const input = () => bertInput(engine, { ids, shape: [1, ids.length] }, config);
  engine.scope(() => {
    const positions = indices(engine, Uint32Array.of(1, 4, 8));
    backward(model.loss(input(), positions, engine.tensor(Int32Array.of(5, 6, 7))).loss);
  });
  for (const [parameter, values] of await slab.read(slab.segments.map((segment) => segment.gradients))) {
    if (/key\.bias$/.test(parameter)) continue; // Softmax does not see what is added to all scores of a query.
    expect(
      values.some((value) => value !== 0),
      parameter,
    ).toBe(true);
  }

  const tokenizer = await trainTokenizer({ kind: 'char', corpus: ['abcd'] });
  const store = new MemoryStore();
  for (const [file, text] of Object.entries(descriptionFiles(config, tokenizer)))
    await store.write(file, text);
  await store.write('model.safetensors', await weightsFile(slab, config));
  const loaded = await loadPretrained(engine, (file) => store.readBytes(file), 'memory');
  const logits = async (one: BertForMaskedLM) =>
    engine.noGrad(() => engine.scope(() => one.forward(input()))).data();
  expect(await logits(loaded.model)).toEqual(await logits(model));
});

test('the names of parameters differ from a plain BERT only where they must', () => {
  const names = (config: BertConfig) =>
    [...new BertForMaskedLM(config).namedParameters()].map(([name]) => name);
  const plain = names(presetConfig('nano', { vocab_size: 9 }));
  const differing = (name: string) => {
    const own = names(configOf(name));
    return [plain.filter((one) => !own.includes(one)), own.filter((one) => !plain.includes(one))];
  };
  expect(differing('sinusoidal')).toEqual([['bert.embeddings.position_embeddings.weight'], []]);
  expect(differing('untied')).toEqual([[], ['cls.predictions.decoder.weight']]);
  expect(differing('geglu')).toEqual([[], []]);
  expect(differing('rms, post')[0].every((one) => /LayerNorm\.bias$/.test(one))).toBe(true);
});

test('a local layer sees its window, a global one all; a cache changes neither', async () => {
  const config = configOf('local, rotary');
  const model = new BertForMaskedLM(config).eval();
  materialize(model, engine, { seed: 2 });
  const trace: BertTrace = { hiddenStates: [], attentions: [] };
  const input = bertInput(engine, { ids, shape: [1, ids.length] }, config);
  engine.noGrad(() => model.forward(input, undefined, trace));
  const [all, window] = await Promise.all(trace.attentions.map((probabilities) => probabilities.data()));
  const T = ids.length;
  for (let i = 0; i < T; i++) {
    for (let j = 0; j < T; j++) {
      expect(all[i * T + j]).toBeGreaterThan(0);
      expect(window[i * T + j] > 0).toBe(Math.abs(i - j) <= 2);
    }
  }
  const causal = engine.noGrad(() =>
    engine.scope(() => model.forward({ ...input, mask: { prefix: engine.tensor(Uint32Array.of(0)) } })),
  );
  const whole = (await causal.data()) as Float32Array;
  const decoding = new Decoding(engine, model);
  await decoding.start([ids.slice(0, 4)], { prompt: 'causal' });
  for (let t = 4; t < T; t++) {
    const [row] = await decoding.next([ids[t]]);
    row.forEach((value, id) => {
      expect(Math.abs(value - whole[t * 9 + id])).toBeLessThan(1e-4);
    });
  }
  decoding.dispose();
});
