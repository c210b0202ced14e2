import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { Linear, loadStateDict, materialize, type Slab, stateDict } from '../../src/nn/index.ts';
import { type StoredTensor, storedTensor, toFloat32 } from '../../src/nn/safetensors.ts';

let engine: Engine;
let slab: Slab;
beforeAll(async () => {
  engine = await Engine.open();
  slab = materialize(new Linear(3, 2), engine, { seed: 4 });
});
afterAll(() => engine.close());

const zeros = (...shape: number[]) =>
  storedTensor(new Float32Array(shape.reduce((product, size) => product * size, 1)), shape);

test('weights go out and into another model', async () => {
  const tensors = await stateDict(slab);
  expect([...tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual([
    ['weight', 'F32', [2, 3]],
    ['bias', 'F32', [2]],
  ]);
  const model = new Linear(3, 2);
  const copy = materialize(model, engine, { seed: 5 });
  expect(await stateDict(copy)).not.toEqual(tensors);
  loadStateDict(copy, tensors);
  expect(await stateDict(copy)).toEqual(tensors);
  expect(await model.weight.value.data()).toEqual(toFloat32(tensors.get('weight')!));
  copy.dispose();
});

test('half precision and double are taken', async () => {
  const copy = materialize(new Linear(3, 2), engine);
  loadStateDict(
    copy,
    new Map<string, StoredTensor>([
      ['weight', storedTensor(Float64Array.of(1, 2, 3, 4, 5, 6), [2, 3])],
      ['bias', { dtype: 'BF16', shape: [2], bytes: Uint8Array.of(0x80, 0x3f, 0xc0, 0xbf) }],
    ]),
  );
  const values = await copy.read();
  expect([...values.get('weight')!]).toEqual([1, 2, 3, 4, 5, 6]);
  expect([...values.get('bias')!]).toEqual([1, -1.5]);
  copy.dispose();
});

test('one error names all that does not fit, and nothing changes', async () => {
  const before = await slab.read();
  const load = (tensors: [string, StoredTensor][]) => () => loadStateDict(slab, new Map(tensors));
  expect(
    load([
      ['pooler.weight', zeros(1)],
      ['head.bias', zeros(1)],
    ]),
  ).toThrow(/missing: weight, bias; unknown to the model: pooler.weight, head.bias\. Check/);
  expect(
    load([
      ['weight', zeros(3, 2)],
      ['bias', storedTensor(Int32Array.of(1, 2), [2])],
    ]),
  ).toThrow(/weight is \[3, 2\] and the model needs \[2, 3\]; bias: .* I32 cannot be read as float32/);
  expect(load([['weight', zeros(2, 3)]])).toThrow(/missing: bias/);
  expect(await slab.read()).toEqual(before);
});

test('tensors may be ignored by name, but not those of the model', () => {
  const tensors = new Map([
    ['weight', zeros(2, 3)],
    ['bias', zeros(2)],
    ['position_ids', zeros(1)],
  ]);
  const copy = materialize(new Linear(3, 2), engine);
  expect(() => loadStateDict(copy, tensors)).toThrow(/unknown to the model: position_ids/);
  loadStateDict(copy, tensors, { ignore: (name) => name === 'position_ids' });
  tensors.delete('bias');
  expect(() => loadStateDict(copy, tensors, { ignore: () => true })).toThrow(/missing: bias/);
  copy.dispose();
});

test('moments are filled like values', async () => {
  const copy = materialize(new Linear(3, 2), engine, { seed: 6 });
  const weights = await copy.read();
  const moments = copy.segments.map(({ gradients }) => gradients);
  loadStateDict(copy, await stateDict(slab), { flat: moments });
  expect(await copy.read(moments)).toEqual(await slab.read());
  expect(await copy.read()).toEqual(weights);
  copy.dispose();
});
