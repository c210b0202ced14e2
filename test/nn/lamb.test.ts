import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { Random } from '../../src/kernels/index.ts';
import { AdamW, Lamb, Linear, Module, MovingAverage, materialize } from '../../src/nn/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

class Two extends Module {
  readonly first = this.child('first', new Linear(7, 33));
  readonly second = this.child('second', new Linear(33, 2));
}

/** Writes the gradients of step t, made of random numbers; returns them by name. */
function gradients(slab: ReturnType<typeof materialize>, t: number): Map<string, Float32Array> {
  const named = new Map<string, Float32Array>();
  for (const [name, { size }] of slab.parameters()) {
    const random = new Random(3, t, size);
    named.set(
      name,
      Float32Array.from({ length: size }, () => random.normal()),
    );
  }
  slab.write(
    named,
    slab.segments.map((segment) => segment.gradients),
  );
  return named;
}

test('LAMB: AdamW scaled by the norm of a matrix over that of its update, by the formula in float64', async () => {
  const slab = materialize(new Two(), engine, { seed: 1 });
  const [betas, eps, weightDecay, lr] = [[0.9, 0.99] as const, 1e-6, 0.1, 0.02];
  const optimizer = new Lamb(slab, { betas, eps, weightDecay });
  const want = new Map([...(await slab.read())].map(([name, values]) => [name, Float64Array.from(values)]));
  const m = new Map([...want].map(([name, { length }]) => [name, new Float64Array(length)]));
  const v = new Map([...want].map(([name, { length }]) => [name, new Float64Array(length)]));
  const norm = (x: Float64Array) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
  for (let t = 1; t <= 4; t++) {
    const given = gradients(slab, t);
    optimizer.step(lr);
    for (const [name, w] of want) {
      const [g, m1, v1] = [given.get(name)!, m.get(name)!, v.get(name)!];
      const matrix = name.endsWith('weight');
      const update = w.map((value, i) => {
        m1[i] += (1 - betas[0]) * (g[i] - m1[i]);
        v1[i] = betas[1] * v1[i] + (1 - betas[1]) * g[i] * g[i];
        const adam = m1[i] / (1 - betas[0] ** t) / (Math.sqrt(v1[i] / (1 - betas[1] ** t)) + eps);
        return adam + (matrix ? weightDecay * value : 0);
      });
      const ratio = matrix ? norm(w) / norm(update) : 1;
      w.forEach((value, i) => {
        w[i] = value - lr * ratio * update[i];
      });
    }
  }
  for (const [name, values] of await slab.read()) {
    values.forEach((value, i) => {
      expect(Math.abs(value - want.get(name)![i]), name).toBeLessThan(1e-5);
    });
  }
  const state = await Promise.all(optimizer.state.map(({ slab, flat }) => slab.read(flat)));
  expect(state.flatMap((named) => [...named.keys()]).sort()).toEqual([...want.keys(), ...want.keys()].sort());
  const before = await slab.read();
  slab.segments[0].gradients.write(new Float32Array(slab.segments[0].gradients.size).fill(Number.NaN));
  optimizer.step(lr);
  expect(await slab.read()).toEqual(before);
  optimizer.dispose();
  slab.dispose();
});

test('the average follows the weights, stands in for them while asked, and frees what it held', async () => {
  const slab = materialize(new Two(), engine, { seed: 1 });
  const live = engine.memory().live;
  const optimizer = new MovingAverage(slab, new AdamW(slab), 0.5);
  const average = new Map(
    [...(await slab.read())].map(([name, values]) => [name, Float64Array.from(values)]),
  );
  for (let t = 1; t <= 6; t++) {
    gradients(slab, t);
    optimizer.step(0.1);
    const decay = Math.min(0.5, (1 + t) / (10 + t));
    for (const [name, values] of await slab.read()) {
      const mean = average.get(name)!;
      values.forEach((value, i) => {
        mean[i] += (1 - decay) * (value - mean[i]);
      });
    }
  }
  const weights = await slab.read();
  const shown = await optimizer.withAverage(() => slab.read());
  for (const [name, mean] of average) {
    mean.forEach((value, i) => {
      expect(shown.get(name)![i]).toBeCloseTo(value, 5);
    });
  }
  expect(shown).not.toEqual(weights);
  expect(await slab.read()).toEqual(weights);
  expect(optimizer.state.map(({ name }) => name)).toEqual(['exp_avg', 'exp_avg_sq', 'ema']);
  optimizer.dispose();
  expect(engine.memory().live).toBe(live);
  slab.dispose();
});
