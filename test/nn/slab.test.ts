import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { LayerNorm, Linear, Module, materialize } from '../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Model extends Module {
  readonly norm = this.child('norm', new LayerNorm(7));
  readonly dense: Linear;

  constructor(dense: string) {
    super();
    this.dense = this.child(dense, new Linear(7, 13));
  }
}

const other = new (class extends Module {
  readonly dense = this.child('dense', new Linear(7, 13));
})();

describe('materialize', () => {
  test('gives each parameter its slice of a group, with its first values', async () => {
    const model = new Model('dense');
    const slab = materialize(model, engine);
    expect(slab.segments.map(({ group, slots }) => [group, slots.map(({ name }) => name)])).toEqual([
      ['no-decay', ['norm.weight', 'norm.bias', 'dense.bias']],
      ['decay', ['dense.weight']],
    ]);
    expect(slab.size).toBe(7 + 7 + 13 + 7 * 13);
    const values = await slab.read();
    expect([...values.get('norm.weight')!]).toEqual(Array(7).fill(1));
    expect([...values.get('dense.bias')!]).toEqual(Array(13).fill(0));
    const weight = model.dense.weight.value;
    expect(weight.shape).toEqual([13, 7]);
    expect(weight.requiresGrad).toBe(true);
    expect(await weight.data()).toEqual(values.get('dense.weight'));
    expect(await weight.grad!.data()).toEqual(new Float32Array(91));
    slab.dispose();
  });

  test('draws first values from the seed and the name alone', async () => {
    const draw = async (model: Module, name: string, seed?: number) => {
      const slab = materialize(model, engine, { seed });
      const values = (await slab.read()).get(name)!;
      slab.dispose();
      return values;
    };
    const first = await draw(new Model('dense'), 'dense.weight');
    expect(new Set(first).size).toBeGreaterThan(80);
    expect(await draw(new Model('dense'), 'dense.weight', 0)).toEqual(first);
    expect(await draw(other, 'dense.weight')).toEqual(first);
    expect(await draw(new Model('dense'), 'dense.weight', 1)).not.toEqual(first);
    expect(await draw(new Model('thick'), 'thick.weight')).not.toEqual(first);
  });

  test('takes other groups', () => {
    const slab = materialize(new Model('dense'), engine, { groupOf: (name) => name.split('.')[0] });
    expect(slab.segments.map(({ group }) => group)).toEqual(['norm', 'dense']);
    slab.dispose();
  });

  test('opens a new segment where a binding would become too large', async () => {
    const limits = { ...engine.device.capabilities.limits, maxStorageBufferBindingSize: 4 * 256 };
    const device = Object.create(engine.device, {
      capabilities: { value: { ...engine.device.capabilities, limits } },
    });
    const model = new Model('dense');
    const slab = materialize(model, new Engine(device), { groupOf: () => 'all' });
    expect(slab.segments.map(({ slots }) => slots.map(({ name }) => name))).toEqual([
      ['norm.weight', 'norm.bias'],
      ['dense.weight', 'dense.bias'],
    ]);
    const values = await slab.read();
    expect(values.get('norm.weight')![6]).toBe(1);
    expect(values.get('dense.weight')).toEqual(await model.dense.weight.value.data());
    slab.dispose();
  });
});

describe('a slab', () => {
  test('writes and reads values and gradients by name', async () => {
    const slab = materialize(new Model('dense'), engine);
    const numbers = new Map<string, Float32Array>();
    let next = 0;
    for (const [name, { size }] of slab.parameters())
      numbers.set(
        name,
        new Float32Array(size).map(() => next++),
      );
    const gradients = slab.segments.map((segment) => segment.gradients);
    slab.write(numbers);
    slab.write(numbers, gradients);
    expect(await slab.read()).toEqual(numbers);
    expect(await slab.read(gradients)).toEqual(numbers);
    slab.zeroGrad();
    for (const [, values] of await slab.read(gradients))
      expect(values.every((value) => value === 0)).toBe(true);
    expect(await slab.read()).toEqual(numbers);
    slab.dispose();
  });

  test('names what is missing or of another size', () => {
    const slab = materialize(new Model('dense'), engine);
    expect(() => slab.write(new Map())).toThrow(/norm.weight is missing/);
    expect(() => slab.write(new Map([['norm.weight', [1]]]))).toThrow(/norm.weight has 1 values.* needs 7/);
    slab.dispose();
  });

  test('keeps frozen parameters among its values, without gradients and out of sight of optimisers', async () => {
    const model = new Model('dense');
    const slab = materialize(model, engine, { freezes: (name) => name.startsWith('norm.') });
    expect([...slab.parameters()].map(([name]) => name)).toEqual(['dense.weight', 'dense.bias']);
    expect(slab.size).toBe(model.dense.weight.size + (model.dense.bias?.size ?? 0));
    expect(slab.frozen.flatMap(({ slots }) => slots).map(({ parameter }) => parameter.value.grad)).toEqual([
      undefined,
      undefined,
    ]);
    const whole = materialize(new Model('dense'), engine);
    const values = await slab.read();
    expect(values).toEqual(await whole.read());
    values.get('norm.weight')!.fill(3);
    slab.write(values);
    expect(await slab.read()).toEqual(values);
    slab.dispose();
    whole.dispose();
  });

  test('gives its memory back', () => {
    const before = engine.memory().live;
    const slab = materialize(new Model('dense'), engine, { freezes: (name) => name === 'norm.bias' });
    expect(engine.memory().live).toBeGreaterThan(before);
    slab.dispose();
    expect(engine.memory().live).toBe(before);
  });
});
