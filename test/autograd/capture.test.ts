import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  add,
  backward,
  Engine,
  embedding,
  type Indices,
  indices,
  mul,
  sum,
  type Tensor,
} from '../../src/autograd/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const bin: Disposable[] = [];
afterEach(() => {
  for (const item of bin.splice(0)) item[Symbol.dispose]();
  engine.eager = false;
});

/** Freed when the test ends. */
function mine<T extends Disposable>(item: T): T {
  bin.push(item);
  return item;
}

const numbers = async (tensor: Tensor) => [...(await tensor.data())];

/** y = 2x + x², counting how often the function itself runs. */
function square(x: Tensor) {
  const calls = { count: 0 };
  const step = mine(
    engine.capture(({ x }: { x: Tensor }) => {
      calls.count++;
      const y = add(add(x, x), mul(x, x));
      return { y };
    }, 'square'),
  );
  const at = (values: number[]) => {
    x.write(Float32Array.from(values));
    return step({ x }).y;
  };
  return { step, calls, at };
}

describe('a captured step', () => {
  test('runs its function twice and is then replayed over new contents', async () => {
    const { at, calls } = square(mine(engine.zeros([2])));
    for (const [a, b] of [1, 2, 3, 4, 5].map((n) => [n, -n])) {
      expect(await numbers(at([a, b]))).toEqual([2 * a + a * a, 2 * b + b * b]);
    }
    expect(calls.count).toBe(2);
  });

  test('returns the same tensors from its recording on', () => {
    const { at } = square(mine(engine.zeros([1])));
    const [first, second, third] = [at([1]), at([2]), at([3])];
    expect(first.isDisposed).toBe(true);
    expect(third).toBe(second);
    expect(third.isDisposed).toBe(false);
  });

  test('does in order what stands between: calls, uploads and copies of its outputs', async () => {
    const x = mine(engine.zeros([1]));
    const { at } = square(x);
    const copies = [1, 2, 3, 4].map((n) => mine(engine.copyOf(at([n]))));
    for (const [i, copy] of copies.entries()) expect(await numbers(copy)).toEqual([(i + 1) * (i + 3)]);
  });

  test('with backward adds to gradients as eager steps do', async () => {
    const run = async (eager: boolean) => {
      engine.eager = eager;
      using table = engine.tensor([1, 2, 3, 4, 5, 6], [3, 2]).requireGrad();
      using ids = indices(engine, Uint32Array.of(0, 0));
      using step = engine.capture(({ ids }: { ids: Indices }) => {
        const loss = sum(mul(embedding(table, ids), embedding(table, ids)));
        backward(loss);
        return { loss };
      });
      const losses: number[] = [];
      for (const pair of [
        [0, 1],
        [2, 2],
        [1, 0],
        [2, 1],
      ]) {
        ids.write(Uint32Array.from(pair));
        losses.push(await step({ ids }).loss.item());
      }
      const gradient = await numbers(table.grad!);
      table.grad!.dispose();
      return { losses, gradient };
    };
    const eager = await run(true);
    expect(eager.losses).toEqual([30, 122, 30, 86]);
    expect(eager.gradient).toEqual([4, 8, 18, 24, 30, 36]);
    expect(await run(false)).toEqual(eager);
  });

  test('keeps its memory to itself, the same amount at every call, and gives it back', async () => {
    const before = engine.memory().live;
    {
      using x = engine.zeros([64]);
      const { step, at } = square(x);
      await numbers(at([...new Array(64).fill(1)]));
      const output = at([...new Array(64).fill(2)]);
      const { live } = engine.memory();
      const strangers = Array.from({ length: 8 }, () => mine(engine.full([64], 9)));
      for (let n = 3; n < 20; n++) at([...new Array(64).fill(n)]);
      expect(engine.memory().live - live).toBe(8 * 256);
      for (const stranger of strangers) expect(new Set(await numbers(stranger))).toEqual(new Set([9]));
      for (const stranger of strangers) stranger.dispose();
      expect(engine.memory().live).toBe(live);
      step.dispose();
      expect(output.isDisposed).toBe(true);
    }
    expect(engine.memory().live).toBe(before);
  });

  test('reuses buffers within itself as the pool does', () => {
    const before = engine.memory().live;
    using x = engine.zeros([64]);
    const step = mine(
      engine.capture(({ x }: { x: Tensor }) => {
        let y = x;
        for (let i = 0; i < 50; i++) {
          const next = add(y, x);
          if (y !== x) y.dispose();
          y = next;
        }
        return y;
      }),
    );
    for (let i = 0; i < 3; i++) step({ x });
    expect(engine.memory().live - before).toBe(3 * 256);
  });

  test('is submitted in batches of the same bound as eager work', async () => {
    const { stream } = engine.device;
    using x = engine.tensor([1]);
    const step = mine(
      engine.capture(({ x }: { x: Tensor }) => {
        let y = x;
        for (let i = 0; i < 300; i++) y = add(y, x);
        return y;
      }),
    );
    for (let call = 0; call < 3; call++) {
      engine.flush();
      const before = stream.serial;
      const y = step({ x });
      expect(stream.serial - before).toBe(2);
      expect(await y.item()).toBe(301);
    }
  });

  test('survives a trim between recording and replay', async () => {
    const { at } = square(mine(engine.zeros([1])));
    at([1]);
    at([2]);
    engine.device.trim();
    expect(await numbers(at([3]))).toEqual([15]);
  });

  test('inside another is part of that one', async () => {
    using x = engine.tensor([3]);
    const { step } = square(x);
    const outer = mine(engine.capture(({ x }: { x: Tensor }) => add(step({ x }).y, x)));
    for (const n of [1, 2, 3, 4]) {
      x.write(Float32Array.of(n));
      expect(await numbers(outer({ x }))).toEqual([n * (n + 3)]);
    }
  });

  test('runs its function again while somebody inspects it', async () => {
    const { at, calls } = square(mine(engine.zeros([1])));
    for (const n of [1, 2, 3]) at([n]);
    const seen: string[] = [];
    engine.inspect = (op) => seen.push(op);
    expect(await numbers(at([4]))).toEqual([24]);
    engine.inspect = undefined;
    expect(seen).toEqual(['add', 'mul', 'add']);
    expect(calls.count).toBe(3);
    expect(await numbers(at([5]))).toEqual([35]);
    expect(calls.count).toBe(3);
  });
});

/** Records `body` over one input and returns the error of its second call. */
function refusal(body: (x: Tensor) => unknown): unknown {
  const x = mine(engine.tensor([1, 2]));
  const step = mine(engine.capture(({ x }: { x: Tensor }) => body(x), 'trial'));
  step({ x });
  try {
    step({ x });
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a captured step refuses', () => {
  test('an upload inside it', () => {
    expect(refusal((x) => add(x, engine.full([2], 3)))).toMatchObject({
      code: 'capture',
      message: expect.stringMatching(
        /"trial" cannot be replayed: it uploads data into \[2\]\. Make it an input/,
      ),
    });
    const seeded = (x: Tensor) => {
      engine.seed(1, 2);
      return add(x, x);
    };
    expect(refusal(seeded)).toMatchObject({ code: 'capture' });
  });

  test('a read inside it, even if nobody waits for it', () => {
    const pending: Promise<unknown>[] = [];
    const read = (x: Tensor) => {
      pending.push(x.data().catch(() => {}));
      return add(x, x);
    };
    expect(refusal(read)).toMatchObject({
      code: 'capture',
      message: expect.stringMatching(/it reads \[2\]/),
    });
    const wait = () => void pending.push(engine.device.synchronize().catch(() => {}));
    expect(refusal(wait)).toMatchObject({ message: expect.stringMatching(/it waits for the GPU/) });
  });

  test('a function that returns a promise', () => {
    using x = engine.tensor([1]);
    using step = engine.capture(async ({ x }: { x: Tensor }) => add(x, x).shape, 'trial');
    expect(() => step({ x })).toThrow(/"trial" cannot go on: its function returns a promise/);
  });

  test('operations that leave their gradient to others', () => {
    using w = engine.tensor([1]).requireGrad();
    using step = engine.capture(() => mul(w, w), 'trial');
    expect(() => step({})).toThrow(/still wait for backward\(\)/);
    expect(engine.tape.length).toBe(0);
  });

  test('a parameter whose first gradient arises in it', () => {
    const parameters = [1, 2].map((value) => mine(engine.tensor(value).requireGrad()));
    let used = 1;
    using step = engine.capture(() => {
      const loss = parameters.slice(0, used).reduce((total, w) => add(total, mul(w, w)), engine.one);
      backward(loss);
      return { loss };
    }, 'trial');
    step({});
    mine(parameters[0].grad!);
    used = 2;
    expect(() => step({})).toThrow(/a parameter of \[\] f32 gets its first gradient in it/);
  });

  test('a tensor that was freed under it, by its shape and user', () => {
    using x = engine.tensor([1, 2]);
    const bias = engine.tensor([3, 4]);
    using step = engine.capture(({ x }: { x: Tensor }) => add(x, bias), 'trial');
    for (let i = 0; i < 3; i++) step({ x });
    bias.dispose();
    const message = /"trial" cannot be replayed: the tensor \[2\] that binary\/\S+ uses was freed/;
    expect(() => step({ x })).toThrow(message);
    using _successor = engine.tensor([5, 6]);
    expect(() => step({ x })).toThrow(message);
  });

  test('a tensor from outside that it frees itself', () => {
    const gifts = [1, 2].map((n) => engine.full([2], n));
    expect(
      refusal((x) => {
        using gift = gifts.pop() as Tensor;
        return add(x, gift);
      }),
    ).toMatchObject({ message: expect.stringMatching(/was freed/) });
  });

  test('inputs that are not those of the recording', () => {
    using x = engine.tensor([1, 2]);
    using other = engine.tensor([1, 2]);
    using longer = engine.tensor([1, 2, 3]);
    using whole = engine.tensor([1, 2], [2], 'i32');
    using step = engine.capture((inputs: Record<string, Tensor>) => add(inputs.x, inputs.x), 'trial');
    for (let i = 0; i < 3; i++) step({ x });
    expect(() => step({ x: longer })).toThrow(
      /its input x is \[3\] f32, and was \[2\] f32 when it was recorded/,
    );
    expect(() => step({ x: whole })).toThrow(/its input x is \[2\] i32, and was \[2\] f32/);
    expect(() => step({ x: other })).toThrow(/its input x is another tensor of \[2\] f32/);
    expect(() => step({ x, y: other })).toThrow(/its input y is \[2\] f32, and was missing/);
    expect(() => step({})).toThrow(/its input x is missing, and was \[2\] f32/);
    step({ x });
    x.dispose();
    expect(() => step({ x })).toThrow(/its input x, \[2\] f32, was freed/);
  });

  test('to go on when its output was freed, or when it was disposed itself', () => {
    using x = engine.tensor([1, 2]);
    const step = engine.capture(({ x }: { x: Tensor }) => add(x, x), 'trial');
    step({ x });
    engine.scope(() => step({ x })).dispose();
    expect(() => step({ x })).toThrow(/its output \[2\] f32 was freed/);
    step.dispose();
    expect(() => step({ x })).toThrow(/it was disposed/);
  });

  test('a first gradient, and keeps no memory of the backward pass that it ends', () => {
    const before = engine.memory().live;
    const w = engine.tensor([1, 2]).requireGrad();
    const late = engine.tensor([3, 4]).requireGrad();
    const step = engine.capture(() => {
      const used = w.grad ? late : w;
      const loss = sum(mul(mul(w, used), mul(used, w)));
      backward(loss);
    });
    step({});
    expect(() => step({})).toThrow(/first gradient/);
    for (const part of [step, w.grad!, w, late]) part.dispose();
    expect(engine.memory().live).toBe(before);
  });

  test('and a refused recording leaves no memory behind', () => {
    const before = engine.memory();
    using x = engine.tensor([1, 2]);
    using step = engine.capture(({ x }: { x: Tensor }) => add(add(x, x), engine.full([2], 3)), 'trial');
    step({ x });
    expect(() => step({ x })).toThrow(/uploads/);
    step.dispose();
    x.dispose();
    expect(engine.memory().live).toBe(before.live);
    expect(engine.device.recording).toBeUndefined();
  });
});
