import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { tolerance } from '../../src/kernels/index.ts';
import {
  AdamW,
  Embedding,
  Linear,
  Module,
  Muon,
  type MuonOptions,
  materialize,
  muonGroups,
  type Slab,
} from '../../src/nn/index.ts';
import { matrix, newtonSchulz64 } from './newtonSchulz64.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Model extends Module {
  readonly words = this.child('words', new Embedding(9, 5));
  readonly hidden = this.child('hidden', new Hidden());
}

/** Two wide matrices, a tall one and a square one. */
class Hidden extends Module {
  readonly wide = this.child('wide', new Linear(13, 5));
  readonly tall = this.child('tall', new Linear(5, 13));
  readonly wideToo = this.child('wideToo', new Linear(13, 5));
  readonly square = this.child('square', new Linear(8, 8));
}

const groupOf = muonGroups((name) => name.startsWith('hidden.'));

function setUp(options: MuonOptions) {
  const slab = materialize(new Model(), engine, { seed: 1, groupOf });
  const optimizer = new Muon(slab, options);
  const dispose = () => {
    optimizer.dispose();
    slab.dispose();
  };
  return { slab, optimizer, dispose };
}

const gradientsOf = (slab: Slab) => slab.segments.map((segment) => segment.gradients);

/** Gives every gradient a value that depends on its name and place. */
function setGradients(slab: Slab, scale: number): Map<string, Float32Array> {
  const gradients = new Map(
    [...slab.parameters()].map(([name, { size }]) => [
      name,
      new Float32Array(size).map((_, i) => scale * Math.sin(i * i + i + name.length)),
    ]),
  );
  slab.write(gradients, gradientsOf(slab));
  return gradients;
}

function normOf(gradients: ReadonlyMap<string, Float32Array>): number {
  let squares = 0;
  for (const values of gradients.values()) for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

test('matrices of one shape share a segment; what is not hidden, or no matrix, is grouped as ever', () => {
  const { slab, dispose } = setUp({});
  expect(slab.segments.map(({ group, slots }) => [group, slots.map(({ name }) => name)])).toEqual([
    ['decay', ['words.weight']],
    ['muon 5x13', ['hidden.wide.weight', 'hidden.wideToo.weight']],
    ['no-decay', ['hidden.wide.bias', 'hidden.tall.bias', 'hidden.wideToo.bias', 'hidden.square.bias']],
    ['muon 13x5', ['hidden.tall.weight']],
    ['muon 8x8', ['hidden.square.weight']],
  ]);
  dispose();
});

describe.each(['match_rms_adamw', 'original'] as const)('steps adjusted as %s', (adjustLr) => {
  test('equal those written out in float64, with clipping and decay', async () => {
    const { slab, optimizer, dispose } = setUp({ adjustLr, weightDecay: 0.1, maxGradNorm: 1, momentum: 0.9 });
    const shapes = new Map([...slab.parameters()].map(([name, { shape }]) => [name, shape]));
    const hidden = [...(await slab.read())].filter(
      ([name]) => name.startsWith('hidden.') && name.endsWith('weight'),
    );
    expect(hidden).toHaveLength(4);
    const want = new Map(hidden.map(([name, values]) => [name, Float64Array.from(values)]));
    const momenta = new Map(hidden.map(([name, { length }]) => [name, new Float64Array(length)]));
    for (let step = 1; step <= 3; step++) {
      const gradients = setGradients(slab, step);
      const lr = 0.1 / step;
      optimizer.step(lr);
      const norm = normOf(gradients);
      expect(Math.abs((await optimizer.gradNorm.item()) / norm - 1)).toBeLessThan(1e-6);
      const factor = Math.min(1, 1 / (norm + 1e-6));
      const got = await slab.read();
      for (const [name, p] of want) {
        const [rows, columns] = shapes.get(name)!;
        const m = momenta.get(name)!;
        const look = Float64Array.from(gradients.get(name)!, (gradient, i) => {
          m[i] = 0.9 * m[i] + 0.1 * factor * gradient;
          return 0.1 * factor * gradient + 0.9 * m[i];
        });
        const orthogonal = newtonSchulz64(matrix(look, columns)).flat();
        const scale =
          adjustLr === 'original' ? Math.max(1, rows / columns) ** 0.5 : 0.2 * Math.max(rows, columns) ** 0.5;
        const limit = tolerance('f32', Math.max(rows, columns));
        got.get(name)!.forEach((value, i) => {
          p[i] -= lr * 0.1 * p[i] + lr * scale * orthogonal[i];
          expect(Math.abs(value - p[i])).toBeLessThan(limit);
        });
      }
    }
    dispose();
  });
});

test('what is not hidden moves as with AdamW alone', async () => {
  const options = { weightDecay: 0.1, maxGradNorm: 1, betas: [0.8, 0.95], lrScale: () => 0.5 } as const;
  const { slab, optimizer, dispose } = setUp(options);
  const plainSlab = materialize(new Model(), engine, { seed: 1 });
  const plain = new AdamW(plainSlab, options);
  for (let step = 1; step <= 3; step++) {
    setGradients(slab, step);
    setGradients(plainSlab, step);
    optimizer.step(0.1);
    plain.step(0.1);
  }
  const want = await plainSlab.read();
  for (const [name, values] of await slab.read()) {
    const scale = Math.max(...want.get(name)!.map(Math.abs));
    const apart = Math.max(...values.map((value, i) => Math.abs(value - want.get(name)![i])));
    if (name.startsWith('hidden.') && name.endsWith('weight')) expect(apart).toBeGreaterThan(0.01 * scale);
    else expect(apart).toBeLessThan(1e-6);
  }
  expect(optimizer.steps).toBe(3);
  plain.dispose();
  plainSlab.dispose();
  dispose();
});

test('lrScale gives hidden matrices a rate of their own', async () => {
  const { slab, optimizer, dispose } = setUp({
    lrScale: (group) => (group.startsWith('muon') ? 0 : 1),
  });
  const before = await slab.read();
  setGradients(slab, 1);
  optimizer.step(0.1);
  for (const [name, values] of await slab.read()) {
    const same = values.every((value, i) => value === before.get(name)![i]);
    expect(same, name).toBe(name.startsWith('hidden.') && name.endsWith('weight'));
  }
  dispose();
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
  'a gradient of %d changes nothing, wherever it is',
  async (poison) => {
    const { slab, optimizer, dispose } = setUp({ maxGradNorm: 1 });
    const everything = () =>
      Promise.all([slab.read(), ...optimizer.state.map(({ slab: part, flat }) => part.read(flat))]);
    setGradients(slab, 1);
    optimizer.step(0.1);
    const before = await everything();
    for (const name of ['words.weight', 'hidden.tall.weight']) {
      const gradients = setGradients(slab, 1);
      gradients.get(name)![1] = poison;
      slab.write(gradients, gradientsOf(slab));
      optimizer.step(0.1);
      expect(await everything()).toEqual(before);
      expect(Number.isFinite(await optimizer.gradNorm.item())).toBe(false);
    }
    setGradients(slab, 1);
    optimizer.step(0.1);
    expect(await everything()).not.toEqual(before);
    dispose();
  },
);

test('the state covers every parameter, and a copy of it goes on with the same bits', async () => {
  const { slab, optimizer, dispose } = setUp({});
  const advance = (one: ReturnType<typeof setUp>, step: number) => {
    setGradients(one.slab, step);
    one.optimizer.step(0.1);
  };
  const one = { slab, optimizer, dispose };
  advance(one, 1);
  const other = setUp({});
  other.slab.write(await slab.read());
  for (const [i, { name, slab: part, flat }] of optimizer.state.entries()) {
    const copy = other.optimizer.state[i];
    expect(copy.name).toBe(name);
    copy.slab.write(await part.read(flat), copy.flat);
  }
  const moments = optimizer.state.flatMap(({ name, slab: part }) =>
    [...part.parameters()].map(([key]) => `${name}.${key}`),
  );
  expect(moments.filter((name) => !name.startsWith('exp_avg_sq')).length).toBe([...slab.parameters()].length);
  other.optimizer.steps = optimizer.steps;
  advance(one, 2);
  advance(other, 2);
  expect(await other.slab.read()).toEqual(await slab.read());
  dispose();
  other.dispose();
});

test('refuses a group of matrices that differ in shape', () => {
  const slab = materialize(new Model(), engine, {
    groupOf: (_, { shape }) => (shape.length === 2 ? 'muon all' : 'no-decay'),
  });
  expect(() => new Muon(slab)).toThrow(/hidden\.wide\.weight is \[5, 13\].*begins with \[9, 5\]/);
  slab.dispose();
});
