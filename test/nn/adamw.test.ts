import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { AdamW, Linear, Module, materialize, type Slab } from '../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Two extends Module {
  readonly a = this.child('a', new Linear(3, 5));
  readonly b = this.child('b', new Linear(5, 2));
}

/** Gives every gradient a value that depends on its name and place. */
function setGradients(slab: Slab, scale: number): Map<string, Float64Array> {
  const gradients = new Map<string, Float64Array>();
  for (const [name, parameter] of slab.parameters()) {
    const values = Float64Array.from({ length: parameter.size }, (_, i) => scale * Math.sin(i + name.length));
    gradients.set(name, Float64Array.from(Float32Array.from(values)));
  }
  slab.write(
    gradients,
    slab.segments.map((segment) => segment.gradients),
  );
  return gradients;
}

test('steps equal those written out in float64, with clipping and decay of matrices alone', async () => {
  const slab = materialize(new Two(), engine, { seed: 1 });
  const optimizer = new AdamW(slab, { weightDecay: 0.1, maxGradNorm: 1, betas: [0.8, 0.95], eps: 1e-6 });
  const want = new Map([...(await slab.read())].map(([name, values]) => [name, Float64Array.from(values)]));
  const moments = new Map(
    [...want].map(([name, { length }]) => [
      name,
      { m: new Float64Array(length), v: new Float64Array(length) },
    ]),
  );
  for (let step = 1; step <= 4; step++) {
    const gradients = setGradients(slab, step);
    const lr = 0.1 / step;
    optimizer.step(lr);
    let squares = 0;
    for (const values of gradients.values()) for (const value of values) squares += value * value;
    const norm = Math.sqrt(squares);
    expect(Math.abs((await optimizer.gradNorm.item()) / norm - 1)).toBeLessThan(1e-6);
    const factor = Math.min(1, 1 / (norm + 1e-6));
    for (const [name, p] of want) {
      const { m, v } = moments.get(name)!;
      gradients.get(name)!.forEach((gradient, i) => {
        const g = gradient * factor;
        if (name.endsWith('weight')) p[i] -= lr * 0.1 * p[i];
        m[i] = 0.8 * m[i] + 0.2 * g;
        v[i] = 0.95 * v[i] + 0.05 * g * g;
        p[i] -= ((lr / (1 - 0.8 ** step)) * m[i]) / (Math.sqrt(v[i] / (1 - 0.95 ** step)) + 1e-6);
      });
    }
    for (const [name, got] of await slab.read()) {
      got.forEach((value, i) => {
        expect(Math.abs(value - want.get(name)![i])).toBeLessThan(2e-6);
      });
    }
  }
  optimizer.dispose();
  slab.dispose();
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, 1e30])(
  'a gradient of %d changes nothing',
  async (poison) => {
    const slab = materialize(new Two(), engine, { seed: 1 });
    const optimizer = new AdamW(slab, { maxGradNorm: 1 });
    setGradients(slab, 1);
    optimizer.step(0.1);
    const before = [
      await slab.read(),
      await slab.read(optimizer.expAvg),
      await slab.read(optimizer.expAvgSq),
    ];
    const gradients = setGradients(slab, 1);
    gradients.get('b.bias')![1] = poison;
    slab.write(
      gradients,
      slab.segments.map((segment) => segment.gradients),
    );
    optimizer.step(0.1);
    const after = [await slab.read(), await slab.read(optimizer.expAvg), await slab.read(optimizer.expAvgSq)];
    expect(after).toEqual(before);
    expect(Number.isFinite(await optimizer.gradNorm.item())).toBe(false);
    optimizer.dispose();
    slab.dispose();
  },
);
