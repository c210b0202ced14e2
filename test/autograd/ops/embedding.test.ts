import { afterAll, beforeAll, expect, test } from 'vitest';
import { backward, Engine, gradcheck } from '../../../src/autograd/index.ts';
import { indices } from '../../../src/autograd/indices.ts';
import { embedding } from '../../../src/autograd/ops/embedding.ts';
import { Random } from '../../../src/kernels/index.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const random = new Random(5, 0);
const table = (rows: number, width: number) =>
  engine
    .tensor(
      Float32Array.from({ length: rows * width }, () => random.normal()),
      [rows, width],
    )
    .requireGrad();

test('gradients with repeated ids', async () => {
  const ids = indices(engine, Uint32Array.of(4, 0, 4, 4, 2, 0), [2, 3]);
  await gradcheck(engine, (rows) => embedding(rows, ids), [table(5, 3)]);
  await gradcheck(engine, (rows) => embedding(rows, ids), [table(7, 8)]);
});

test('gradient of a row that is asked for often', async () => {
  const ids = indices(
    engine,
    Uint32Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? 1 : 2)),
  );
  await gradcheck(engine, (rows) => embedding(rows, ids), [table(4, 8)]);
  const rows = engine.tensor([[1], [1], [1]]).requireGrad();
  backward(embedding(rows, ids, { paddingIdx: 2 }), engine.full([300, 1], 1));
  expect([...(await rows.grad!.data())]).toEqual([0, 43, 0]);
});

test('looks rows up, and adds gradients up, save for the padding row', async () => {
  const rows = engine
    .tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ])
    .requireGrad();
  const y = embedding(rows, indices(engine, Uint32Array.of(2, 0, 2)), { paddingIdx: 0 });
  expect([...(await y.data())]).toEqual([5, 6, 1, 2, 5, 6]);
  backward(
    y,
    engine.tensor([
      [1, 1],
      [7, 7],
      [2, 3],
    ]),
  );
  expect([...((await rows.grad?.data()) ?? [])]).toEqual([0, 0, 0, 0, 3, 4]);
});

test('gradients add up over calls of backward', async () => {
  const rows = table(4, 8);
  const ids = indices(engine, Uint32Array.of(3, 1, 3));
  const gradient = async () => {
    engine.scope(() => backward(embedding(rows, ids), engine.full([3, 8], 1)));
    return rows.grad!.data();
  };
  const once = await gradient();
  expect(await gradient()).toEqual(once.map((value) => 2 * value));
});

test('new ids can be written in place, and the gradient follows them', async () => {
  const ids = indices(engine, Uint32Array.of(0, 0));
  const gradient = async () => {
    const rows = table(3, 4);
    backward(embedding(rows, ids), engine.full([2, 4], 1));
    return [...((await rows.grad?.data()) ?? [])];
  };
  expect(await gradient()).toEqual([2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
  ids.write(Uint32Array.of(2, 1));
  expect(await gradient()).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
});

test('ids beyond the table and tables that are no matrix are refused', () => {
  const ids = indices(engine, Uint32Array.of(1, 5));
  expect(() => embedding(table(5, 2), ids)).toThrow('id 5 at position 1 is not a row of a table of 5');
  expect(() => embedding(engine.zeros([6]), ids)).toThrow(
    'embedding needs a table [rows, width], and got [6] f32',
  );
  embedding(table(6, 2), ids);
  expect(() => ids.write(Uint32Array.of(6, 0))).toThrow('id 6 at position 0');
  expect(() => ids.write(Uint32Array.of(1))).toThrow('1 values cannot fill');
});
