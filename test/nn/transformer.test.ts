import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  attention,
  backward,
  dropout,
  Engine,
  gradcheck,
  layerNorm,
  linear,
  linearGelu,
  type Tensor,
} from '../../src/autograd/index.ts';
import { Random } from '../../src/kernels/random.ts';
import {
  type Dropout,
  Encoder,
  EncoderLayer,
  type EncoderOptions,
  materialize,
  numberDropouts,
} from '../../src/nn/index.ts';
import { normal } from '../../src/nn/initializers.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const options: EncoderOptions = {
  width: 8,
  heads: 2,
  intermediate: 12,
  norm: 'post',
  gelu: 'none',
  hiddenDropout: 0,
  attentionDropout: 0,
  eps: 1e-5,
  init: (values, random) => normal(values, random, 0, 0.4),
};

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0)) clean();
});

function build<M extends EncoderLayer | Encoder>(model: M): M {
  numberDropouts(model);
  const slab = materialize(model, engine, { seed: 1 });
  cleanups.push(() => slab.dispose());
  return model;
}

const noise = (shape: readonly number[], seed = 0): Tensor => {
  const random = new Random(seed, 1);
  const size = shape.reduce((product, axis) => product * axis, 1);
  const tensor = engine.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
  cleanups.push(() => tensor.dispose());
  return tensor;
};

/** What a model makes of x, as numbers. */
async function outcome(model: EncoderLayer | Encoder, x: Tensor, mask = {}): Promise<Float32Array> {
  using _scope = engine.openScope();
  const hidden = model instanceof Encoder ? model.forward(x, mask) : model.forward(x, mask).hidden;
  return (await hidden.data()) as Float32Array;
}

test('parameters carry the names of BERT checkpoints', () => {
  const parts = [
    'attention.self.query',
    'attention.self.key',
    'attention.self.value',
    'attention.output.dense',
    'attention.output.LayerNorm',
    'intermediate.dense',
    'output.dense',
    'output.LayerNorm',
  ];
  const names = [...new Encoder(2, options).namedParameters()].map(([name]) => name);
  expect(names).toEqual(
    [0, 1].flatMap((layer) =>
      parts.flatMap((part) => ['weight', 'bias'].map((end) => `layer.${layer}.${part}.${end}`)),
    ),
  );
});

describe.each(['post', 'pre'] as const)('an encoder layer with %s-normalisation', (norm) => {
  test('has the gradient that differences show', async () => {
    const layer = build(new EncoderLayer({ ...options, norm }));
    const x = noise([2, 5, 8]).requireGrad();
    const mask = engine.tensor(Uint32Array.of(1, 1, 1, 1, 1, 1, 1, 1, 0, 0), [2, 5]);
    const parameters = new Map(layer.namedParameters());
    const keyBias = parameters.get('attention.self.key.bias')!.value;
    parameters.delete('attention.self.key.bias');
    const body = () => layer.forward(x, { mask }).hidden;
    const inputs = [x, ...[...parameters.values()].map(({ value }) => value)];
    const { errors } = await gradcheck(engine, body, inputs, { directions: 1 });
    expect(errors).toHaveLength(16);

    // A softmax ignores a shift of its scores, and that is all the bias of the keys does.
    const weights = noise([2, 5, 8], 1);
    engine.device.clear(keyBias.grad!.view);
    engine.scope(() => backward(body(), weights));
    for (const value of await keyBias.grad!.data()) expect(Math.abs(value)).toBeLessThan(1e-5);
    mask.dispose();
  });

  test('does not let hidden tokens reach the others', async () => {
    const layer = build(new EncoderLayer({ ...options, norm }));
    const mask = engine.tensor(Uint32Array.of(1, 1, 1, 0, 0), [1, 5]);
    const values = (await noise([1, 5, 8]).data()) as Float32Array;
    const x = engine.tensor(values, [1, 5, 8]);
    const before = await outcome(layer, x, { mask });
    x.write(values.map((value, i) => (i < 24 ? value : -value)));
    const after = await outcome(layer, x, { mask });
    expect(after.slice(0, 24)).toEqual(before.slice(0, 24));
    expect(after.slice(24)).not.toEqual(before.slice(24));
    expect((await outcome(layer, x)).slice(0, 24)).not.toEqual(before.slice(0, 24));
    for (const tensor of [x, mask]) tensor.dispose();
  });
});

describe('a layer with RMS norms, a gated feed-forward network and no biases', () => {
  const modern = { ...options, norm: 'pre', normType: 'rms', feedForward: 'geglu', bias: false } as const;

  test('has matrices and norm weights only, the first feed-forward one twice as wide', () => {
    const shapes = [...new EncoderLayer(modern).namedParameters()].map(([name, { shape }]) => [
      name,
      ...shape,
    ]);
    expect(shapes).toEqual([
      ['attention.self.query.weight', 8, 8],
      ['attention.self.key.weight', 8, 8],
      ['attention.self.value.weight', 8, 8],
      ['attention.output.dense.weight', 8, 8],
      ['attention.output.LayerNorm.weight', 8],
      ['intermediate.dense.weight', 24, 8],
      ['output.dense.weight', 8, 12],
      ['output.LayerNorm.weight', 8],
    ]);
    const layered = new EncoderLayer({ ...modern, normType: 'layer' });
    expect([...layered.namedParameters()].map(([name]) => name).filter((name) => /bias/.test(name))).toEqual(
      [],
    );
  });

  test.each(['post', 'pre'] as const)(
    'has the gradient that differences show, %s-normalised',
    async (norm) => {
      for (const normType of ['rms', 'layer'] as const) {
        const dropping = { hiddenDropout: 0.2, attentionDropout: 0.2 };
        const layer = build(new EncoderLayer({ ...modern, ...dropping, norm, normType }));
        const inputs = [
          noise([2, 5, 8]).requireGrad(),
          ...[...layer.namedParameters()].map(([, p]) => p.value),
        ];
        const { errors } = await gradcheck(engine, (x) => layer.forward(x, {}).hidden, inputs, {
          directions: 1,
        });
        expect(errors).toHaveLength(9);
      }
    },
  );
});

/** The same layer, out of one op a step. */
function stepByStep(layer: EncoderLayer, norm: 'post' | 'pre', x: Tensor): Tensor {
  const parameters = new Map(layer.namedParameters());
  const modules = new Map(layer.namedModules());
  const pair = (name: string) =>
    ['weight', 'bias'].map((end) => parameters.get(`${name}.${end}`)!.value) as [Tensor, Tensor];
  const use = (name: string) => (modules.get(name) as Dropout).use(engine)!;
  const drop = (y: Tensor, name: string) => dropout(y, use(name).p, use(name));
  const normalize = (y: Tensor, name: string) => layerNorm(y, ...pair(`${name}.LayerNorm`), options.eps);
  const attend = (y: Tensor) => {
    const [q, k, v] = ['query', 'key', 'value'].map((name) => linear(y, ...pair(`attention.self.${name}`)));
    const { context } = attention(q, k, v, { heads: 2, dropout: use('attention.self.dropout') });
    return drop(linear(context, ...pair('attention.output.dense')), 'attention.output.dropout');
  };
  const feed = (y: Tensor) => {
    const wide = linearGelu(y, ...pair('intermediate.dense'));
    return drop(linear(wide, ...pair('output.dense')), 'output.dropout');
  };
  if (norm === 'post') {
    const attended = normalize(add(x, attend(x)), 'attention.output');
    return normalize(add(attended, feed(attended)), 'output');
  }
  const attended = add(x, attend(normalize(x, 'attention.output')));
  return add(attended, feed(normalize(attended, 'output')));
}

test.each(['post', 'pre'] as const)('%s-normalisation is what its steps make one by one', async (norm) => {
  const dropping = { ...options, norm, hiddenDropout: 0.3, attentionDropout: 0.3 };
  const layer = build(new EncoderLayer(dropping));
  const x = noise([2, 5, 8]).requireGrad();
  const leaves = [x, ...[...layer.namedParameters()].map(([, { value }]) => value)];
  engine.seed(4, 2);
  const outcomes: Float32Array[][] = [];
  for (const forward of [() => layer.forward(x, {}).hidden, () => stepByStep(layer, norm, x)]) {
    x.grad?.dispose();
    x.grad = undefined;
    for (const { grad } of leaves) if (grad) engine.device.clear(grad.view);
    const hidden = engine.scope(() => {
      const y = forward();
      backward(y, noise([2, 5, 8], 1));
      return y;
    });
    const made = [hidden, ...leaves.map(({ grad }) => grad!)];
    outcomes.push((await Promise.all(made.map((tensor) => tensor.data()))) as Float32Array[]);
    hidden.dispose();
  }
  x.grad?.dispose();
  const [fused, composed] = outcomes;
  fused.forEach((values, i) => {
    values.forEach((value, k) => {
      expect(value).toBeCloseTo(composed[i][k], 4);
    });
  });
});

test('post-normalisation leaves rows of mean 0 and variance 1, pre-normalisation the sum', async () => {
  const spread = (row: Float32Array) => row.reduce((sum, value) => sum + value * value, 0) / row.length;
  const post = await outcome(build(new EncoderLayer(options)), noise([1, 3, 8]));
  expect(post.slice(0, 8).reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 4);
  expect(spread(post.slice(0, 8))).toBeCloseTo(1, 3);
  const pre = await outcome(build(new EncoderLayer({ ...options, norm: 'pre' })), noise([1, 3, 8]));
  expect(Math.abs(spread(pre.slice(0, 8)) - 1)).toBeGreaterThan(0.05);
});

describe('dropout', () => {
  const dropping = { ...options, hiddenDropout: 0.3, attentionDropout: 0.3 };

  test('is off in evaluation', async () => {
    const x = noise([1, 6, 8]);
    engine.seed(3, 1);
    const dry = await outcome(build(new Encoder(2, options)), x);
    const model = build(new Encoder(2, dropping));
    model.eval();
    expect(await outcome(model, x)).toEqual(dry);
    model.train();
    expect(await outcome(model, x)).not.toEqual(dry);
  });

  test('follows from seed and step', async () => {
    const x = noise([1, 6, 8]);
    const model = build(new Encoder(1, dropping));
    const at = (seed: number, step: number) => {
      engine.seed(seed, step);
      return outcome(model, x);
    };
    const first = await at(0, 1);
    expect(await at(0, 1)).toEqual(first);
    expect(await at(0, 2)).not.toEqual(first);
    expect(await at(1, 1)).not.toEqual(first);
  });
});

test('an encoder hands out what each layer made', async () => {
  const model = build(new Encoder(3, options));
  const x = noise([2, 4, 8]);
  using _scope = engine.openScope();
  const collected: { hidden: Tensor; probabilities: Tensor }[] = [];
  const last = model.forward(x, {}, (layer) => collected.push(layer));
  expect(collected.map(({ probabilities }) => probabilities.shape)).toEqual(Array(3).fill([2, 2, 4, 4]));
  expect(collected[2].hidden).toBe(last);
  const rows = (await collected[0].probabilities.data()) as Float32Array;
  expect(rows.slice(0, 4).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
});

test('heads must divide the width', () => {
  expect(() => new EncoderLayer({ ...options, heads: 3 })).toThrow(/width 8 is not divisible by 3 heads/);
});
