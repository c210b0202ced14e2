/** Folders of Hugging Face read and written: names of tensors and fields, shards, and what is said of broken ones. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { parseConfig } from '../../../src/mlm/bert/config.ts';
import type { BertForMaskedLM } from '../../../src/mlm/bert/heads.ts';
import { fillMask, loadPretrained, presetConfig } from '../../../src/mlm/index.ts';
import { descriptionFiles } from '../../../src/mlm/pretrained.ts';
import { finetune } from '../../../src/mlm/tasks/finetune.ts';
import { loadTask, startFromFolder, taskFiles } from '../../../src/mlm/tasks/folder.ts';
import { taskNamed } from '../../../src/mlm/tasks/index.ts';
import { parseFinetuneOptions } from '../../../src/mlm/tasks/options.ts';
import { parseSafetensors, type StoredTensor, serializeSafetensors } from '../../../src/nn/index.ts';
import { hubConfigs, languageLogits, randomRows, type SmallModel, smallModel } from './models.ts';

let engine: Engine;
const models: Partial<Record<keyof typeof hubConfigs, SmallModel<BertForMaskedLM>>> = {};
const of = (family: keyof typeof hubConfigs) => models[family]!;

beforeAll(async () => {
  engine = await Engine.open();
  for (const family of ['bert', 'modernbert'] as const) {
    models[family] = await smallModel<BertForMaskedLM>(engine, hubConfigs[family]);
  }
});
afterAll(() => engine.close());

const json = (file: Uint8Array) => JSON.parse(new TextDecoder().decode(file));
const bytes = (text: string) => new TextEncoder().encode(text);
const tensorsOf = (file: Uint8Array) => parseSafetensors(file).tensors;

/** The model of a folder with some files changed; undefined stands for one that is not there. */
const load = (family: keyof typeof hubConfigs, changed: Record<string, Uint8Array | undefined> = {}) =>
  loadPretrained(engine, async (name) => ({ ...of(family).files, ...changed })[name], 'folder');

/** The message of the error, which must be one line. */
async function complaint(loading: Promise<unknown>): Promise<string> {
  const error = await loading.then(
    () => undefined,
    (reason: Error) => reason,
  );
  expect(error?.message).not.toContain('\n');
  return error?.message ?? 'no error';
}

/** The weights in shards of a few tensors each, as Hugging Face writes them. */
function shards(file: Uint8Array, size: number): Record<string, Uint8Array> {
  const tensors = [...tensorsOf(file)];
  const count = Math.ceil(tensors.length / size);
  const files: Record<string, Uint8Array> = {};
  const weight_map: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;
    const some = new Map(tensors.slice(i * size, (i + 1) * size));
    files[name] = serializeSafetensors(some, { format: 'pt' });
    for (const tensor of some.keys()) weight_map[tensor] = name;
  }
  files['model.safetensors.index.json'] = bytes(JSON.stringify({ metadata: { total_size: 0 }, weight_map }));
  return files;
}

const known = [
  { text: 'the lazy dog', labels: ['no'] },
  { text: 'the quick fox', labels: ['yes'] },
];

describe.each(['bert', 'modernbert'] as const)('%s', (family) => {
  test('written and read back, whole or in shards, gives the same logits, bit for bit', async () => {
    const { config, files } = of(family);
    const rows = randomRows([17, 5, 12], config);
    const want = await languageLogits(of(family), rows);
    for (const changed of [
      {},
      { 'model.safetensors': undefined, ...shards(files['model.safetensors'], 7) },
    ]) {
      const { model, slab } = await load(family, changed);
      expect(await languageLogits({ model, slab, config }, rows)).toEqual(want);
      slab.dispose();
    }
  });

  test('has a config that says the same when it is read back', () => {
    const { config, files } = of(family);
    const written = json(files['config.json']);
    expect(written).toMatchObject({ model_type: family, torch_dtype: 'float32' });
    const { architectures, torch_dtype, ...again } = parseConfig(written);
    expect(again).toEqual({ ...config, ...(family === 'modernbert' && { architectures: undefined }) });
    expect(architectures).toEqual(['BertForMaskedLM']);
  });

  test('fills blanks', async () => {
    const pretrained = await load(family);
    const [blank] = await fillMask(pretrained, 'the qui[MASK]k', { topK: 3 });
    expect(blank).toHaveLength(3);
    pretrained.slab.dispose();
  });

  test('names all tensors at once that are missing, unknown or of another shape', async () => {
    const tensors = new Map(tensorsOf(of(family).files['model.safetensors']));
    const [gone, wrong, halved] =
      family === 'bert'
        ? [
            'cls.predictions.bias',
            'bert.embeddings.LayerNorm.weight',
            'bert.encoder.layer.1.output.dense.weight',
          ]
        : ['decoder.bias', 'model.final_norm.weight', 'model.layers.1.attn.Wqkv.weight'];
    const some = tensors.get(wrong)!;
    tensors.delete(gone);
    tensors.set('stranger', some);
    tensors.set(wrong, { ...some, shape: [1, 32] });
    const [rows, columns] = tensors.get(halved)!.shape;
    tensors.set(halved, { ...tensors.get(halved)!, shape: [rows / 2, 2 * columns] });
    const message = await complaint(load(family, { 'model.safetensors': serializeSafetensors(tensors) }));
    expect(message).toContain(`missing: ${gone};`);
    expect(message).toContain('unknown to the model: stranger;');
    expect(message).toContain(`${wrong} is [1, 32] and the model needs [32]`);
    expect(message).toContain(
      `${halved} is [${rows / 2}, ${2 * columns}] and the model needs [${rows}, ${columns}]`,
    );
  });

  test('in shards, names every file and tensor that the index promises in vain', async () => {
    const parts = shards(of(family).files['model.safetensors'], 7);
    const [first, second] = Object.keys(parts);
    const [[lost]] = tensorsOf(parts[second]);
    const poorer = new Map(tensorsOf(parts[second]));
    poorer.delete(lost);
    const changed = { ...parts, [first]: undefined, [second]: serializeSafetensors(poorer) };
    const message = await complaint(load(family, { 'model.safetensors': undefined, ...changed }));
    expect(message).toContain(`there is no ${first}; ${second} lacks ${lost}`);
  });

  test('is fine-tuned from its body, with or without the prefix of its names', async () => {
    const { files, slab } = of(family);
    const own = await slab.read();
    const prefix = family === 'bert' ? 'bert.' : 'model.';
    const body = [...tensorsOf(files['model.safetensors'])].filter(([name]) => name.startsWith(prefix));
    const bare = new Map(body.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
    for (const weights of [files['model.safetensors'], serializeSafetensors(bare)]) {
      const start = { task: taskNamed('classification'), known, seed: 1 };
      const read = async (name: string) => ({ ...files, 'model.safetensors': weights })[name];
      const started = await startFromFolder(engine, read, 'folder', start);
      const got = await started.slab.read();
      const shared = [...own.keys()].filter((name) => name.startsWith('bert.'));
      expect(shared.length).toBeGreaterThan(20);
      for (const name of shared) expect(got.get(name), name).toEqual(own.get(name));
      started.slab.dispose();
    }
  });
});

test.each(['bert', 'modernbert'] as const)(
  '%s: in, fine-tuned, out and in again, the same logits',
  async (family) => {
    const task = taskNamed('classification');
    const options = parseFinetuneOptions({
      task: 'classification',
      data: '',
      epochs: 2,
      batchSize: 2,
      lr: 1e-2,
    });
    const started = await startFromFolder(engine, of(family).read, 'folder', { task, known });
    const before = await started.slab.read();
    const events = [];
    for await (const event of finetune(
      started.trainee,
      started.slab,
      { train: known, development: known },
      options,
    )) {
      events.push(event);
    }
    expect(events.length).toBeGreaterThan(2);
    const files = await taskFiles(started, options);
    expect(json(bytes(String(files['config.json'])))).toMatchObject({
      model_type: family,
      architectures: [
        family === 'bert' ? 'BertForSequenceClassification' : 'ModernBertForSequenceClassification',
      ],
      id2label: { 0: 'no', 1: 'yes' },
    });
    const read = async (name: string) => {
      const file = files[name];
      return typeof file === 'string' ? bytes(file) : file;
    };
    const again = await loadTask(engine, read, 'folder');
    const [own, theirs] = [await started.slab.read(), await again.slab.read()];
    expect(theirs).toEqual(own);
    expect(own).not.toEqual(before);
    const predictions = await started.trainee.predict(engine, known);
    expect(await again.trainee.predict(engine, known)).toEqual(predictions);
    for (const { slab } of [started, again]) slab.dispose();
  },
);

describe('the names of tensors', () => {
  test('are those of BertForMaskedLM', () => {
    const names = [...tensorsOf(of('bert').files['model.safetensors']).keys()];
    const layer = [
      'attention.self.query',
      'attention.self.key',
      'attention.self.value',
      'attention.output.dense',
    ]
      .concat('attention.output.LayerNorm', 'intermediate.dense', 'output.dense', 'output.LayerNorm')
      .flatMap((module) => [`${module}.weight`, `${module}.bias`]);
    const embeddings = [
      'word_embeddings.weight',
      'position_embeddings.weight',
      'token_type_embeddings.weight',
    ];
    expect(names.sort()).toEqual(
      [
        ...[...embeddings, 'LayerNorm.weight', 'LayerNorm.bias'].map((name) => `bert.embeddings.${name}`),
        ...[0, 1, 2].flatMap((i) => layer.map((name) => `bert.encoder.layer.${i}.${name}`)),
        ...['transform.dense.weight', 'transform.dense.bias', 'transform.LayerNorm.weight']
          .concat('transform.LayerNorm.bias', 'bias')
          .map((name) => `cls.predictions.${name}`),
      ].sort(),
    );
  });

  test('are those of ModernBertForMaskedLM, queries, keys and values in one', () => {
    const tensors = tensorsOf(of('modernbert').files['model.safetensors']);
    const layer = ['attn.Wqkv', 'attn.Wo', 'mlp_norm', 'mlp.Wi', 'mlp.Wo'];
    expect([...tensors.keys()].sort()).toEqual(
      [
        'model.embeddings.tok_embeddings.weight',
        'model.embeddings.norm.weight',
        ...[0, 1, 2].flatMap((i) => layer.map((name) => `model.layers.${i}.${name}.weight`)),
        'model.layers.1.attn_norm.weight',
        'model.layers.2.attn_norm.weight',
        'model.final_norm.weight',
        'head.dense.weight',
        'head.norm.weight',
        'decoder.bias',
      ].sort(),
    );
    expect(tensors.get('model.layers.0.attn.Wqkv.weight')!.shape).toEqual([96, 32]);
    expect(tensors.get('model.layers.0.mlp.Wi.weight')!.shape).toEqual([96, 32]);
    expect(parseSafetensors(of('modernbert').files['model.safetensors']).metadata).toEqual({ format: 'pt' });
  });

  test('may be older ones, with a gamma and a beta, and ties written out', async () => {
    const { files, config } = of('bert');
    const older = new Map<string, StoredTensor>();
    for (const [name, tensor] of tensorsOf(files['model.safetensors'])) {
      const old = name
        .replace('LayerNorm.weight', 'LayerNorm.gamma')
        .replace('LayerNorm.bias', 'LayerNorm.beta');
      older.set(old, tensor);
    }
    const words = older.get('bert.embeddings.word_embeddings.weight')!;
    older.set('cls.predictions.decoder.weight', words);
    older.set('cls.seq_relationship.weight', { ...words, shape: [...words.shape] });
    const { model, slab } = await load('bert', { 'model.safetensors': serializeSafetensors(older) });
    const rows = randomRows([9, 3], config);
    expect(await languageLogits({ model, slab, config }, rows)).toEqual(
      await languageLogits(of('bert'), rows),
    );
    slab.dispose();
  });
});

describe('config.json of a ModernBERT', () => {
  const read = (fields: object) => parseConfig({ model_type: 'modernbert', ...fields }, 'config.json');

  test('has the defaults of ModernBERT-base', () => {
    expect(read({})).toMatchObject({
      vocab_size: 50_368,
      hidden_size: 768,
      num_hidden_layers: 22,
      intermediate_size: 1152,
      max_position_embeddings: 8192,
      layer_norm_eps: 1e-5,
      rope_theta: 160_000,
      local_rope_theta: 10_000,
      global_attn_every_n_layers: 3,
      local_attention: 128,
      hidden_dropout_prob: 0,
      use_bias: false,
    });
  });

  test('is read in its newer form, too', () => {
    const types = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
    const rope_parameters = {
      full_attention: { rope_type: 'default', rope_theta: 80_000 },
      sliding_attention: { rope_type: 'default', rope_theta: 700 },
    };
    const config = read({ num_hidden_layers: 4, layer_types: types, rope_parameters });
    expect(config).toMatchObject({
      rope_theta: 80_000,
      local_rope_theta: 700,
      global_attn_every_n_layers: 2,
    });
  });

  test('without a base of local angles takes the global one', () => {
    expect(read({ local_rope_theta: null, global_rope_theta: 5000 }).local_rope_theta).toBe(5000);
  });

  test.each([
    [
      { hidden_activation: 'relu' },
      /hidden_activation is not valid: "relu" is not known here. Known: gelu, gelu_new/,
    ],
    [{ attention_bias: true }, /attention_bias is not valid: true is not known here. Known: false/],
    [{ layer_types: ['sliding_attention', 'full_attention'] }, /layer_types is not valid/],
    [
      { rope_parameters: { full_attention: { rope_type: 'yarn' } } },
      /rope_type is not valid: "yarn".*Known: default/,
    ],
    [{ classifier_activation: 'gelu_new' }, /classifier_activation is not valid: "gelu_new".*Known: gelu$/],
    [{ norm_eps: 'x' }, /norm_eps is not valid/],
  ])('%o is refused', (fields, message) => {
    expect(() => read(fields)).toThrow(message);
  });
});

test.each([
  [{ model_type: 'gpt2' }, /asks for the architecture gpt2. Known: bert, modernbert, cloze-bert/],
  [
    { hidden_act: 'relu' },
    /hidden_act is not valid: "relu" is not known here. Known: gelu, gelu_new, gelu_pytorch_tanh/,
  ],
  [{ position_embedding_type: 'relative_key' }, /"relative_key" is not known here. Known: absolute/],
])('a config that asks for %o is refused with what is known', (fields, message) => {
  expect(() => parseConfig(fields)).toThrow(message);
});

test('what no library computes is told apart from what they do', () => {
  const type = (fields: object) =>
    JSON.parse(descriptionFiles(presetConfig('nano', fields), of('bert').tokenizer)['config.json'])
      .model_type;
  const { config } = of('modernbert');
  expect(type({})).toBe('bert');
  expect(type(config)).toBe('modernbert');
  expect(type({ ...config, use_bias: true })).toBe('cloze-bert');
  expect(type({ ...config, first_attention_norm: true })).toBe('cloze-bert');
  expect(type({ use_bias: false })).toBe('cloze-bert');
  expect(type({ type_vocab_size: 0 })).toBe('cloze-bert');
});

test('a table may have more rows than the tokenizer has tokens', async () => {
  const { read, slab } = await smallModel(engine, { ...hubConfigs.bert, vocab_size: 64 });
  const { config, slab: memory } = await loadPretrained(engine, read, 'folder');
  expect(config.vocab_size).toBe(64);
  for (const one of [slab, memory]) one.dispose();
});

test('vocab.txt is read as tokenizer_config.json says', async () => {
  const { tokenizer } = of('bert');
  const words = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.idToToken(id));
  const vocabulary = bytes([...words.slice(0, -1), 'Fox'].join('\n'));
  const cased = { 'tokenizer.json': undefined, 'vocab.txt': vocabulary };
  const upper = bytes('{"do_lower_case": false}');
  const one = await load('bert', { ...cased, 'tokenizer_config.json': upper });
  expect(one.tokenizer.encode('Fox').tokens).toEqual(['[CLS]', 'Fox', '[SEP]']);
  const other = await load('bert', cased);
  expect(other.tokenizer.encode('Fox').tokens).not.toContain('Fox');
  for (const { slab } of [one, other]) slab.dispose();
});

test('a folder with pickled weights alone is told what to do about it', async () => {
  const changed = { 'model.safetensors': undefined, 'pytorch_model.bin': bytes('PK') };
  expect(await complaint(load('bert', changed))).toMatch(
    /pytorch_model\.bin, which may run code.*safe_serialization/,
  );
});
