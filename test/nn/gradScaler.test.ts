import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Engine, linear, sum, type Tensor } from '../../src/autograd/index.ts';
import {
  AdamW,
  GradScaler,
  Lamb,
  Linear,
  Module,
  Muon,
  materialize,
  muonGroups,
  type Slab,
} from '../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Two extends Module {
  readonly a = this.child('a', new Linear(3, 5));
  readonly b = this.child('b', new Linear(5, 2));
}

/** Gives every gradient a value that depends on its place. */
function setGradients(slab: Slab, scale: number, poison?: number): void {
  const gradients = new Map<string, Float64Array>();
  for (const [name, parameter] of slab.parameters()) {
    gradients.set(
      name,
      Float64Array.from({ length: parameter.size }, (_, i) => scale * Math.sin(i + 1)),
    );
  }
  if (poison !== undefined) gradients.get('b.bias')![1] = poison;
  slab.write(
    gradients,
    slab.segments.map((segment) => segment.gradients),
  );
}

const optimizers = {
  AdamW: (scaler?: GradScaler) => {
    const slab = materialize(new Two(), engine, { seed: 1 });
    return { slab, optimizer: new AdamW(slab, { maxGradNorm: 0.5, scaler }) };
  },
  Lamb: (scaler?: GradScaler) => {
    const slab = materialize(new Two(), engine, { seed: 1 });
    return { slab, optimizer: new Lamb(slab, { maxGradNorm: 0.5, scaler }) };
  },
  Muon: (scaler?: GradScaler) => {
    const slab = materialize(new Two(), engine, { seed: 1, groupOf: muonGroups(() => true) });
    return { slab, optimizer: new Muon(slab, { maxGradNorm: 0.5, scaler }) };
  },
};

describe.each(Object.entries(optimizers))('%s', (_, make) => {
  test('updates from scaled gradients as from plain ones', async () => {
    const plain = make();
    const scaled = make(new GradScaler(engine, { initScale: 1024 }));
    for (let step = 1; step <= 3; step++) {
      setGradients(plain.slab, step);
      setGradients(scaled.slab, 1024 * step);
      plain.optimizer.step(0.1);
      scaled.optimizer.step(0.1);
      const [want, got] = await Promise.all(
        [plain, scaled].map(({ optimizer }) => optimizer.gradNorm.item()),
      );
      expect(Math.abs(got / want - 1)).toBeLessThan(1e-6);
    }
    const want = await plain.slab.read();
    for (const [name, values] of await scaled.slab.read()) {
      values.forEach((value, i) => {
        expect(Math.abs(value - want.get(name)![i])).toBeLessThan(1e-6);
      });
    }
  });

  test('skips a step whose gradients overflowed, at half the scale goes on, and grows after good steps', async () => {
    const scaler = new GradScaler(engine, { initScale: 64, growthInterval: 3 });
    const { slab, optimizer } = make(scaler);
    const before = await slab.read();
    const states: { scale: number; growthTracker: number }[] = [];
    for (const poison of [undefined, Number.POSITIVE_INFINITY, undefined, undefined, undefined, undefined]) {
      setGradients(slab, 64, poison);
      optimizer.step(poison === undefined ? 0 : 0.1);
      states.push(await scaler.state());
    }
    expect(await slab.read()).toEqual(before);
    expect(states.map(({ scale }) => scale)).toEqual([64, 32, 32, 32, 64, 64]);
    expect(states.map(({ growthTracker }) => growthTracker)).toEqual([1, 0, 1, 2, 0, 1]);
  });
});

test('the scale never leaves 1 … 2^24', async () => {
  const scaler = new GradScaler(engine, { initScale: 2, growthInterval: 1 });
  const factor = (value: number) => engine.tensor([value]);
  for (let i = 0; i < 3; i++) scaler.update(factor(-1));
  expect((await scaler.state()).scale).toBe(1);
  for (let i = 0; i < 30; i++) scaler.update(factor(0.5));
  expect((await scaler.state()).scale).toBe(2 ** 24);
});

test('backward from the scale gives scaled gradients, also when it is replayed', async () => {
  const scaler = new GradScaler(engine, { initScale: 8 });
  const x = engine.tensor([[1, 2, 3]]);
  const weight = engine.tensor([[1, 1, 1]]).requireGrad();
  weight.grad = engine.zeros([1, 3]);
  const step = engine.capture(({ x }: { x: Tensor }) => backward(sum(linear(x, weight)), scaler.scale));
  for (const scale of [8, 8, 8, 32]) {
    scaler.load({ scale, growthTracker: 0 });
    engine.device.clear(weight.grad.view);
    step({ x });
    expect([...(await weight.grad.data())]).toEqual([scale, 2 * scale, 3 * scale]);
  }
  step.dispose();
});
