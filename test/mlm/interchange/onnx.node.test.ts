/** The exported file in another runtime: for every option of the architecture and every head, our own logits. */
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { Random } from '../../../src/kernels/index.ts';
import { exportOnnx } from '../../../src/mlm/interchange/onnx/export.ts';
import { furthest, type HeadName, heads, smallHead } from './heads.ts';
import { hubConfigs, randomRows, smallModel } from './models.ts';

env.wasm.numThreads = 1;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const { bert, modernbert } = hubConfigs;
const cloze = { ...bert, model_type: 'cloze-bert' };

/** Every head on the two families, and every other option of the architecture once. */
const variants: [name: string, head: HeadName, config: object][] = [
  ...(Object.keys(heads) as HeadName[]).flatMap((head): [string, HeadName, object][] => [
    ['bert', head, bert],
    ['modernbert', head, modernbert],
  ]),
  ['modernbert, mean', 'text-classification', { ...modernbert, classifier_pooling: 'mean' }],
  ['pre, rotary', 'fill-mask', { ...cloze, norm_position: 'pre', position_embedding_type: 'rotary' }],
  ['rms, post', 'fill-mask', { ...cloze, norm_type: 'rms' }],
  [
    'sinusoidal, tanh',
    'fill-mask',
    { ...cloze, position_embedding_type: 'sinusoidal', hidden_act: 'gelu_new' },
  ],
  ['untied, suppressed', 'fill-mask', { ...cloze, tie_word_embeddings: false, suppress_tokens: [4, 7] }],
  [
    'geglu, local',
    'token-classification',
    { ...cloze, feed_forward: 'geglu', global_attn_every_n_layers: 3, local_attention: 6 },
  ],
];

/** Random inputs for each variant. */
const inputs = 8;

test('100 random inputs or more are compared', () => {
  expect(inputs * variants.length).toBeGreaterThanOrEqual(100);
});

describe.each(variants)('%s, %s', (variant, head, hub) => {
  test('gives our logits for texts of all lengths', async () => {
    const { read, config, logits, slab } = await smallHead(engine, head, hub);
    const exported = await exportOnnx(read, 'folder');
    expect(exported).toMatchObject({ task: head, opset: 20 });
    const session = await InferenceSession.create(exported.bytes, { executionProviders: ['wasm'] });
    const outputs = exported.outputs.map(({ name }) => name);
    expect(outputs).toEqual(head === 'question-answering' ? ['start_logits', 'end_logits'] : ['logits']);
    const { perText } = heads[head];
    const random = new Random(
      3,
      variants.findIndex(([name]) => name === variant),
    );
    const differences: number[] = [];
    for (let i = 0; i < inputs; i++) {
      const lengths = Array.from({ length: 1 + (i % 3) }, () => 2 + random.below(38));
      const rows = randomRows(lengths, config, i);
      const { ids, types, attentionMask, shape } = rows;
      const arrays = { input_ids: ids, attention_mask: attentionMask, token_type_ids: types };
      const feeds = session.inputNames.map((name) => {
        const values = BigInt64Array.from(arrays[name as keyof typeof arrays], BigInt);
        return [name, new Tensor('int64', values, [...shape])] as const;
      });
      const got = await session.run(Object.fromEntries(feeds));
      const columns = outputs.map((name) => got[name].data as Float32Array);
      differences.push(furthest(await logits(rows), interleave(columns), rows, perText));
    }
    expect(Math.max(...differences)).toBeLessThan(1e-4);
    await session.release();
    slab.dispose();
  });
});

/** Several outputs are columns of ours. */
function interleave(columns: readonly Float32Array[]): Float32Array {
  if (columns.length === 1) return columns[0];
  return Float32Array.from({ length: columns.length * columns[0].length }, (_, i) => {
    return columns[i % columns.length][Math.floor(i / columns.length)];
  });
}

test('a model without a form in ONNX is refused by name', async () => {
  const { read, slab } = await smallModel(engine, {
    ...bert,
    architectures: ['BertForNextSentencePrediction'],
  });
  await expect(exportOnnx(read, 'folder')).rejects.toThrow(
    /folder is a BertForNextSentencePrediction, which has no form.*Known: BertForMaskedLM, BertForSeq/,
  );
  slab.dispose();
});

test('a model that fills no blanks is refused', async () => {
  const { read, slab } = await smallModel(engine, { ...cloze, objective: 'causal' });
  await expect(exportOnnx(read, 'folder')).rejects.toThrow(/trained by causal and fills no blanks/);
  slab.dispose();
});
