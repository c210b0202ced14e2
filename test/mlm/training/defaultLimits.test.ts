/** Gradients and training on a device with no more than WebGPU guarantees everywhere. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine, gradcheck, linearCrossEntropy, reshape, type Tensor } from '../../../src/autograd/index.ts';
import { Random } from '../../../src/kernels/random.ts';
import { buildSession, builtInCorpus, type Corpus, parseOptions, Trainer } from '../../../src/mlm/index.ts';
import { EncoderLayer, materialize, numberDropouts } from '../../../src/nn/index.ts';
import { normal } from '../../../src/nn/initializers.ts';
import { tiny } from '../training.ts';

const guaranteed = { limits: 'default', without: ['subgroups', 'shader-f16', 'timestamp-query'] } as const;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open(guaranteed);
});
afterAll(() => engine.close());

const noise = (shape: readonly number[]): Tensor => {
  const random = new Random(3, 1);
  const size = shape.reduce((product, axis) => product * axis, 1);
  return engine.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
};

test.each([
  ['post', 'none', 7],
  ['pre', 'tanh', 520], // longer than rows whose attention is stored
] as const)('the gradients of a layer (%s, %s) on rows of %d are right', async (norm, gelu, T) => {
  const layer = new EncoderLayer({
    width: 8,
    heads: 2,
    intermediate: 12,
    norm,
    gelu,
    hiddenDropout: 0,
    attentionDropout: 0,
    eps: 1e-5,
    init: (values, random) => normal(values, random, 0, 0.4),
  });
  numberDropouts(layer);
  const slab = materialize(layer, engine, { seed: 1 });
  const [decoder, bias] = [noise([70, 8]).requireGrad(), noise([70]).requireGrad()];
  const labels = engine.tensor(Int32Array.from({ length: T }, (_, i) => (i * 13) % 70));
  const loss = (x: Tensor) =>
    linearCrossEntropy(reshape(layer.forward(x, {}).hidden, [T, 8]), decoder, bias, labels).loss;
  await gradcheck(engine, loss, [noise([1, T, 8]).requireGrad()], { directions: 2, tolerance: 5e-3 });
  slab.dispose();
});

test('a run there has the losses that it has with all that the adapter offers', async () => {
  const options = parseOptions({ ...tiny, objective: 'mlm', optimizer: 'muon' });
  const session = await buildSession(
    builtInCorpus('synthetic:clock', { count: 60, seed: 0 }) as Corpus,
    options,
  );
  const losses = async (engine: Engine) => {
    const trainer = new Trainer({ engine, session, options });
    const all: number[] = [];
    for await (const event of trainer.run()) if (event.event === 'step') all.push(event.loss);
    trainer.dispose();
    return all;
  };
  using usual = await Engine.open();
  const [want, got] = [await losses(usual), await losses(engine)];
  expect(got).toHaveLength(12);
  got.forEach((loss, i) => {
    expect(Math.abs(loss / want[i] - 1)).toBeLessThan(1e-4);
  });
});
