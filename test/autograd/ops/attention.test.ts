import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Engine, gradcheck, type Tensor } from '../../../src/autograd/index.ts';
import {
  type AttentionOptions,
  attention,
  scaledDotProductAttention,
} from '../../../src/autograd/ops/attention.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(10, 0);
const draw = (size: number) => Float32Array.from({ length: size }, () => random.normal());
const normal = (...shape: number[]): Tensor =>
  engine.tensor(draw(shape.reduce((a, b) => a * b)), shape).requireGrad();

test('one query, two keys, by hand', async () => {
  const q = engine.tensor([[[2]]]);
  const k = engine.tensor([[[Math.log(3)], [0]]]);
  const v = engine.tensor([[[8], [4]]]);
  const { context, probabilities } = attention(q, k, v, { heads: 1, scale: 0.5, probabilities: true });
  expect(probabilities?.shape).toEqual([1, 1, 1, 2]);
  expect((await probabilities?.data())?.[0]).toBeCloseTo(0.75, 6);
  expect(await context.item()).toBeCloseTo(7, 5);
});

test('heads side by side and heads on an axis of their own agree', async () => {
  const [B, T, H, D] = [2, 5, 3, 4];
  const inputs = [0, 1, 2].map(() => draw(B * T * H * D));
  const split = (x: ArrayLike<number>) =>
    Float32Array.from({ length: x.length }, (_, i) => {
      const [d, t, h, b] = [
        i % D,
        Math.floor(i / D) % T,
        Math.floor(i / (D * T)) % H,
        Math.floor(i / (D * T * H)),
      ];
      return x[((b * T + t) * H + h) * D + d];
    });
  const options = {
    mask: engine.tensor(Uint32Array.of(1, 1, 0, 1, 0, 1, 1, 1, 1, 1), [B, T]),
    causal: true,
    probabilities: true,
  };
  const [q, k, v] = inputs.map((x) => engine.tensor(x, [B, T, H * D]));
  const [qs, ks, vs] = inputs.map((x) => engine.tensor(split(x), [B, H, T, D]));
  const merged = attention(q, k, v, { heads: H, ...options });
  const apart = scaledDotProductAttention(qs, ks, vs, options);
  expect(apart.context.shape).toEqual([B, H, T, D]);
  const expected = split(await merged.context.data());
  (await apart.context.data()).forEach((value: number, i: number) => {
    expect(value).toBeCloseTo(expected[i], 5);
  });
  expect(apart.probabilities?.shape).toEqual([B, H, T, T]);
  expect(merged.probabilities?.shape).toEqual([B, H, T, T]);
});

describe('masks', () => {
  const [B, T, H, D] = [2, 6, 2, 4];

  /** For each query of each item: the keys with a probability above 0. All heads must agree. */
  async function seen(options: AttentionOptions): Promise<number[][][]> {
    const { probabilities } = attention(normal(B, T, H * D), normal(B, T, H * D), normal(B, T, H * D), {
      heads: H,
      probabilities: true,
      ...options,
    });
    const p = await (probabilities as Tensor).data();
    return Array.from({ length: B }, (_, b) =>
      Array.from({ length: T }, (_, i) => {
        const [first, second] = [0, 1].map((h) => {
          const row = [...p.slice(((b * H + h) * T + i) * T, ((b * H + h) * T + i + 1) * T)];
          expect(row.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
          return row.flatMap((value, j) => (value !== 0 ? [j] : []));
        });
        expect(second).toEqual(first);
        return first;
      }),
    );
  }
  const upTo = (n: number) => Array.from({ length: n }, (_, j) => j);
  const each = (keys: (i: number) => number[]) => upTo(T).map(keys);

  test('padding hides keys from every query, exactly', async () => {
    const mask = engine.tensor(Int32Array.of(1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1), [B, T]);
    expect(await seen({ mask })).toEqual([each(() => [0, 1, 2, 3]), each(() => [1, 3, 4, 5])]);
  });

  test('causal: no key after the query', async () => {
    expect(await seen({ causal: true })).toEqual([each((i) => upTo(i + 1)), each((i) => upTo(i + 1))]);
  });

  test('prefix: the first keys as well', async () => {
    const prefix = engine.tensor(Uint32Array.of(3, 0));
    expect(await seen({ prefix })).toEqual([each((i) => upTo(Math.max(3, i + 1))), each((i) => upTo(i + 1))]);
  });

  test('a window: keys near the query', async () => {
    const near = each((i) => upTo(T).filter((j) => Math.abs(i - j) <= 2));
    expect(await seen({ window: 2 })).toEqual([near, near]);
  });

  test('segments: keys of the same document; who belongs to none is left alone', async () => {
    const segments = engine.tensor(Int32Array.of(0, 0, 0, 4, 4, 4, 7, 8, 7, 8, 8, -1), [B, T]);
    const own = (ids: number[]) => each((i) => upTo(T).filter((j) => ids[i] === ids[j]));
    const [first, second] = [own([0, 0, 0, 4, 4, 4]), own([7, 8, 7, 8, 8, -1])];
    second[5] = upTo(T);
    expect(await seen({ segments })).toEqual([first, second]);
  });

  test('a query that sees nothing spreads evenly', async () => {
    const mask = engine.zeros([1, T], 'u32');
    const { probabilities } = attention(normal(1, T, 4), normal(1, T, 4), normal(1, T, 4), {
      heads: 1,
      mask,
      probabilities: true,
    });
    const row = await (probabilities as Tensor).data();
    for (const p of row) expect(p).toBeCloseTo(1 / T, 6);
  });
});

describe.each(['composed', 'flash'] as const)('gradients, %s', (implementation) => {
  const [B, T, S, H, D] = [2, 5, 7, 2, 4];
  const inputs = () => [normal(B, T, H * D), normal(B, S, H * D), normal(B, S, H * D)];
  const cases: Record<string, () => AttentionOptions> = {
    'no mask': () => ({}),
    padding: () => ({
      mask: engine.tensor(Uint32Array.of(1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0), [B, S]),
    }),
    causal: () => ({ causal: true, scale: 0.3 }),
    prefix: () => ({ prefix: engine.tensor(Uint32Array.of(4, 1)) }),
    window: () => ({ window: 1 }),
    dropout: () => ({ dropout: { p: 0.4, layer: 3, state: engine.tensor(Uint32Array.of(5, 1)) } }),
  };
  for (const [name, options] of Object.entries(cases)) {
    test(name, async () => {
      const all = { heads: H, implementation, ...options() };
      const { errors } = await gradcheck(engine, (q, k, v) => attention(q, k, v, all).context, inputs());
      expect(errors).toHaveLength(3);
    });
  }

  test('segments', async () => {
    const segments = engine.tensor(Uint32Array.of(0, 0, 3, 3, 3, 1, 2, 1, 1, 2), [B, T]);
    const all = { heads: H, implementation, segments };
    const [q, k, v] = [normal(B, T, H * D), normal(B, T, H * D), normal(B, T, H * D)];
    await gradcheck(engine, (q, k, v) => attention(q, k, v, all).context, [q, k, v]);
  });

  test('heads on an axis of their own', async () => {
    const apart = [normal(B, H, T, D), normal(B, H, S, D), normal(B, H, S, D)];
    await gradcheck(
      engine,
      (q, k, v) => scaledDotProductAttention(q, k, v, { implementation }).context,
      apart,
    );
  });
});

describe('both implementations give the same', () => {
  const [B, T, H, D] = [2, 37, 2, 12];
  const state = () => engine.tensor(Uint32Array.of(11, 4));
  const cases: Record<string, () => AttentionOptions> = {
    'no mask': () => ({}),
    'padding, and an item without tokens': () => ({
      mask: engine.tensor(
        Uint32Array.from({ length: B * T }, (_, i) => Number(i < 30)),
        [B, T],
      ),
    }),
    'causal with dropout': () => ({ causal: true, dropout: { p: 0.3, layer: 2, state: state() } }),
    'prefix, window and dropout': () => ({
      prefix: engine.tensor(Uint32Array.of(9, 0)),
      window: 6,
      dropout: { p: 0.5, layer: 1, state: state() },
    }),
    'segments with padding': () => ({
      segments: engine.tensor(
        Uint32Array.from({ length: B * T }, (_, i) => Math.floor((i % T) / 10)),
        [B, T],
      ),
      mask: engine.tensor(
        Uint32Array.from({ length: B * T }, (_, i) => Number(i % 7 > 0)),
        [B, T],
      ),
    }),
  };
  for (const [name, options] of Object.entries(cases)) {
    test(name, async () => {
      const inputs = [normal(B, T, H * D), normal(B, T, H * D), normal(B, T, H * D)];
      const weights = normal(B, T, H * D);
      const outcome = async (implementation: 'composed' | 'flash') => {
        using _scope = engine.openScope();
        const [q, k, v] = inputs;
        for (const input of inputs) input.grad = undefined;
        const { context } = attention(q, k, v, { heads: H, implementation, ...options() });
        const made = await context.data();
        backward(context, weights);
        const gradients = await Promise.all(inputs.map((input) => (input.grad as Tensor).data()));
        return [made, ...gradients].map((numbers) => [...numbers]);
      };
      const [composed, flash] = [await outcome('composed'), await outcome('flash')];
      composed.forEach((numbers, i) => {
        const far = numbers.map((x, n) => Math.abs(x - flash[i][n]));
        expect(Math.max(...far)).toBeLessThan(2e-5);
      });
    });
  }
});

test('memory grows with the tokens from 512 on, and not with their square', () => {
  const bytes = (tokens: number) => {
    using _scope = engine.openScope();
    const before = engine.memory().live;
    const [q, k, v] = [normal(1, tokens, 8), normal(1, tokens, 8), normal(1, tokens, 8)];
    attention(q, k, v, { heads: 2, causal: true });
    return engine.memory().live - before;
  };
  expect(bytes(2048)).toBeLessThan(4.5 * bytes(512));
});

test('what does not fit is refused by name', () => {
  const x = engine.zeros([2, 3, 8]);
  expect(() => attention(x, x, x, { heads: 3 })).toThrow(/attention of q \[2, 3, 8\] f32.*with 3 heads/);
  expect(() => attention(x, x, engine.zeros([2, 4, 8]), { heads: 2 })).toThrow(/v \[2, 4, 8\]/);
  expect(() => attention(x, x, x, { heads: 2, mask: engine.zeros([2, 4], 'u32') })).toThrow(
    /a mask of \[2, 4\]/,
  );
  expect(() => attention(x, x, x, { heads: 2, mask: engine.zeros([2, 3]) })).toThrow(
    /whole numbers for mask/,
  );
  const [y, ids] = [engine.zeros([2, 4, 8]), engine.zeros([2, 4], 'u32')];
  expect(() => attention(x, y, y, { heads: 2, segments: ids })).toThrow(/3 queries and 4 keys by segments/);
  expect(() => attention(x, x, x, { heads: 2, window: -1 })).toThrow(/a window of -1/);
  expect(() => scaledDotProductAttention(x, x, x)).toThrow(/\[batch, heads, tokens, depth\]/);
});
