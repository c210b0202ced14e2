import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, gelu, mul, sum } from '../../src/autograd/index.ts';
import {
  addLora,
  isLora,
  Linear,
  loadStateDict,
  Module,
  materialize,
  mergeLora,
  stateDict,
} from '../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Model extends Module {
  readonly query = this.child('query', new Linear(6, 10));
  readonly dense = this.child('dense', new Linear(10, 4));
}

const options = { rank: 3, alpha: 6 };
const input = Array.from({ length: 5 }, (_, row) =>
  Array.from({ length: 6 }, (_, i) => Math.sin(row + 2 * i)),
);

function adapted() {
  const model = new Model();
  addLora(model, ['query'], options);
  return { model, slab: materialize(model, engine, { freezes: (name) => !isLora(name) }) };
}

test('an adapted layer begins as it was, learns by its thin matrices alone, and says the same once they are merged', async () => {
  const { model, slab } = adapted();
  const plain = new Model();
  const plainSlab = materialize(plain, engine);
  const x = engine.tensor(input);
  expect(await model.query.forward(x).data()).toEqual(await plain.query.forward(x).data());
  expect([...slab.parameters()].map(([name]) => name)).toEqual([
    'query.lora_A.weight',
    'query.lora_B.weight',
  ]);

  const values = await slab.read();
  const b = Float32Array.from({ length: 30 }, (_, i) => Math.cos(i));
  slab.write(new Map([...values, ['query.lora_B.weight', b]]));
  const y = model.query.forward(x);
  backward(sum(mul(y, y)));
  for (const [, parameter] of slab.parameters()) {
    expect((await parameter.value.grad!.data()).some((value) => Math.abs(value) > 1e-3)).toBe(true);
  }
  for (const [name, parameter] of slab.allParameters())
    if (!isLora(name)) expect(parameter.value.grad).toBeUndefined();

  const tensors = mergeLora(await stateDict(slab), options);
  expect([...tensors.keys()].sort()).toEqual([...plainSlab.parameters()].map(([name]) => name).sort());
  loadStateDict(plainSlab, tensors);
  const [mine, theirs] = [await y.data(), await plain.query.forward(x).data()];
  mine.forEach((value, i) => {
    expect(value).toBeCloseTo(theirs[i], 5);
  });
  const [bent, straight] = [model.query.forwardGelu(x, 'none'), gelu(plain.query.forward(x))];
  const [one, other] = [await bent.data(), await straight.data()];
  one.forEach((value, i) => {
    expect(value).toBeCloseTo(other[i], 5);
  });
  slab.dispose();
  plainSlab.dispose();
});

test('names that no linear layer has are refused', () => {
  expect(() => addLora(new Model(), ['query', 'value'], options)).toThrow(
    /no linear layer value.*Known: query, dense/,
  );
});
