import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { presetConfig } from '../../../src/mlm/bert/config.ts';
import { BertForMaskedLM, parseOptions, type TrainOptionsInput } from '../../../src/mlm/index.ts';
import { prepareTraining } from '../../../src/mlm/training/optimizer.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

function setUp(options: TrainOptionsInput) {
  const config = presetConfig('nano', { vocab_size: 20, max_position_embeddings: 8 });
  return prepareTraining(new BertForMaskedLM(config), engine, parseOptions(options));
}

test('Muon takes the matrices of all layers, in one segment a shape, and nothing else', async () => {
  const { slab, optimizer } = setUp({ optimizer: 'muon' });
  const { slab: hidden } = optimizer.state.find(({ name }) => name === 'momentum_buffer')!;
  const names = [...hidden.parameters()].map(([name]) => name);
  expect([...names].sort()).toEqual(
    [...slab.parameters()]
      .map(([name]) => name)
      .filter(
        (name) => name.startsWith('bert.encoder.layer.') && /(query|key|value|dense)\.weight$/.test(name),
      )
      .sort(),
  );
  expect(hidden.segments).toHaveLength(3);
  expect(hidden.segments.reduce((count, { slots }) => count + slots.length, 0)).toBe(names.length);
  const plain = setUp({});
  expect(await slab.read()).toEqual(await plain.slab.read());
  for (const made of [plain, { slab, optimizer }]) {
    made.optimizer.dispose();
    made.slab.dispose();
  }
});

test.each([
  ['beta1', 0.5, 'exp_avg', 0.5],
  ['beta2', 0.5, 'exp_avg_sq', 0.5],
] as const)('%s of %d is the share of the moment that a step keeps', async (option, beta, name, kept) => {
  for (const optimizer of ['adamw', 'muon'] as const) {
    const { slab, optimizer: made } = setUp({ optimizer, [option]: beta, maxGradNorm: 0 });
    const { flat, slab: part } = made.state.find((one) => one.name === name)!;
    for (const { gradients } of slab.segments) gradients.write(new Float32Array(gradients.size).fill(1));
    made.step(0);
    const values = await part.read(flat);
    expect(values.get('bert.embeddings.word_embeddings.weight')![0]).toBe(1 - kept);
    made.dispose();
    slab.dispose();
  }
});
