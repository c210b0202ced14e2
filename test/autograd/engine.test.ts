import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backward, Engine, record, recordAll, reshape, type Tensor } from '../../src/autograd/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

/** y = x, with a gradient that counts how often it was asked. */
function identity(x: Tensor, log: string[] = []): Tensor {
  const y = x.engine.copyOf(x);
  return record('identity', [x], y, {
    save: [x],
    vjp: (grad) => {
      log.push('identity');
      return [grad];
    },
  });
}

describe('tensors', () => {
  test('are made from nested numbers and from typed arrays', async () => {
    const a = engine.tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(a.shape).toEqual([2, 3]);
    expect([...(await a.data())]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(engine.tensor(Uint32Array.of(7)).dtype).toBe('u32');
    expect(await engine.tensor(3).item()).toBe(3);
    expect(() => engine.tensor([[1, 2], [3]])).toThrow(/regular/);
    expect(() => engine.tensor([1, 2, 3], [2, 2])).toThrow(/3 values cannot fill a tensor of \[2, 2\]/);
  });

  test('reshape shares memory and infers one axis', async () => {
    const a = engine.tensor([1, 2, 3, 4, 5, 6]);
    const b = reshape(a, [2, -1]);
    expect(b.shape).toEqual([2, 3]);
    expect(b.view.buffer).toBe(a.view.buffer);
    expect(() => reshape(a, [4, -1])).toThrow(/reshape cannot turn \[6\] f32 into \[4, -1\]/);
  });
});

describe('scopes', () => {
  test('free what is neither returned nor kept', () => {
    const before = engine.memory().live;
    const { returned, kept } = engine.scope(() => {
      engine.zeros([100]);
      const kept = engine.keep(engine.zeros([10]));
      return { returned: engine.zeros([20]), kept: [kept] };
    });
    expect(returned.isDisposed).toBe(false);
    expect(kept[0].isDisposed).toBe(false);
    returned.dispose();
    kept[0].dispose();
    expect(engine.memory().live).toBe(before);
  });

  test('work with `using`', () => {
    const before = engine.memory().live;
    {
      using _scope = engine.openScope();
      engine.zeros([1000]);
    }
    expect(engine.memory().live).toBe(before);
  });

  test('a freed tensor is refused by name', () => {
    const tensor = engine.zeros([3]);
    tensor.dispose();
    expect(() => reshape(tensor, [3])).toThrow(/reshape uses a tensor of \[3\] f32 that was already freed/);
  });

  test('refuse a promise', () => {
    expect(() => engine.scope(async () => 1)).toThrow(/synchronous/);
  });
});

describe('the tape', () => {
  test('adds gradients of a tensor used twice, and over calls', async () => {
    const x = engine.tensor([1, 2]).requireGrad();
    for (const total of [2, 4]) {
      engine.scope(() => {
        const a = identity(x);
        const b = identity(x);
        const sum = engine.copyOf(a);
        const y = record('both', [a, b], sum, { save: [], vjp: (grad) => [grad, grad] });
        backward(y, engine.full([2], 1));
      });
      expect([...(await x.grad!.data())]).toEqual([total, total]);
    }
  });

  test('tells a rule with several outputs which of them the loss depends on', async () => {
    const seen: (number | undefined)[][] = [];
    const fork = (x: Tensor) => {
      const outputs = [engine.copyOf(x), engine.copyOf(x)];
      recordAll('fork', [x], outputs, {
        save: [],
        vjp: (gradients) => {
          seen.push(gradients.map((gradient) => gradient?.size));
          return [gradients.find((gradient) => gradient !== undefined)];
        },
      });
      return outputs;
    };
    const x = engine.tensor([1, 2]).requireGrad();
    const before = engine.memory().live;
    engine.scope(() => backward(fork(x)[1], engine.full([2], 3)));
    engine.scope(() => backward(identity(fork(x)[0]), engine.full([2], 4)));
    expect(seen).toEqual([
      [undefined, 2],
      [2, undefined],
    ]);
    expect([...(await x.grad!.data())]).toEqual([7, 7]);
    engine.scope(() => {
      const [a, b] = fork(x);
      const y = record('both', [a, b], engine.copyOf(a), { save: [], vjp: (grad) => [grad, grad] });
      backward(y, engine.full([2], 1));
    });
    expect(seen[2]).toEqual([2, 2]);
    x.grad!.dispose();
    expect(engine.memory().live).toBe(before);
  });

  test('lets a rule add to the gradient of a leaf in place', async () => {
    const x = engine.tensor([1, 2]).requireGrad();
    const offered: boolean[] = [];
    const y = () =>
      record('inPlace', [x, identity(x)], engine.copyOf(x), {
        save: [],
        vjp: (grad, _saved, _needs, totals) => {
          offered.push(...totals.map((total) => total !== undefined));
          totals[0]?.write(Float32Array.of(10, 20));
          return [totals[0] ?? grad, grad];
        },
      });
    engine.scope(() => backward(y(), engine.full([2], 1)));
    const gradient = x.grad!;
    // The second time the rule writes 10 and 20, and only identity's part is added.
    engine.scope(() => backward(y(), engine.full([2], 1)));
    expect(offered).toEqual([false, false, true, false]);
    expect(x.grad).toBe(gradient);
    expect(gradient.isDisposed).toBe(false);
    expect([...(await gradient.data())]).toEqual([11, 21]);
  });

  test('skips what the loss does not depend on, and holds no memory afterwards', async () => {
    const x = engine.tensor([1]).requireGrad();
    x.grad = engine.zeros([1]);
    const before = engine.memory().live;
    const used: string[] = [];
    const unused: string[] = [];
    engine.scope(() => {
      identity(x, unused);
      backward(identity(x, used));
    });
    expect(used).toHaveLength(1);
    expect(unused).toHaveLength(0);
    expect(engine.memory().live).toBe(before);
    expect(engine.tape.length).toBe(0);
  });

  test('records nothing inside noGrad', () => {
    const x = engine.tensor([1]).requireGrad();
    const y = engine.noGrad(() => identity(x));
    expect(y.requiresGrad).toBe(false);
    expect(() => backward(y)).toThrow(/does not/);
  });

  test('refuses an op without a gradient when it is recorded', () => {
    const x = engine.tensor([1]).requireGrad();
    expect(() => record('floor', [x], engine.copyOf(x), undefined)).toThrow(/floor has no gradient/);
    expect(record('floor', [engine.tensor([1])], engine.copyOf(x), undefined).requiresGrad).toBe(false);
  });

  test('names the op whose rule returns a gradient of the wrong shape', () => {
    const x = engine.tensor([1, 2]).requireGrad();
    const y = record('broken', [x], engine.copyOf(x), { save: [], vjp: () => [engine.zeros([3])] });
    expect(() => backward(y, engine.zeros([2]))).toThrow(/rule of broken returned \[3\] f32 for input 0/);
    engine.tape.clear();
  });

  test('a loss must be a scalar or come with its gradient', () => {
    const y = identity(engine.tensor([1, 2]).requireGrad());
    expect(() => backward(y)).toThrow(/scalar/);
    engine.tape.clear();
  });
});
