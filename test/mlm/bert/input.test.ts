import { afterAll, beforeAll, expect, test } from 'vitest';
import { Engine } from '../../../src/autograd/index.ts';
import { parseConfig } from '../../../src/mlm/bert/config.ts';
import { bertInput } from '../../../src/mlm/bert/input.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.open();
});
afterAll(() => engine.close());

const config = parseConfig({ vocab_size: 10, max_position_embeddings: 4, type_vocab_size: 2 });
const ids = Uint32Array.of(2, 9, 3, 2, 8, 3);

test('positions count in every sequence, segments are 0, and nothing is hidden', async () => {
  const input = bertInput(engine, { ids, shape: [2, 3] }, config);
  expect(input.ids.shape).toEqual([2, 3]);
  expect([...(await input.ids.ids.data())]).toEqual([...ids]);
  expect([...(await input.types.ids.data())]).toEqual([0, 0, 0, 0, 0, 0]);
  expect([...(await input.positions.ids.data())]).toEqual([0, 1, 2, 0, 1, 2]);
  expect(input.mask).toEqual({});
});

test('segments and padding are taken as given', async () => {
  const types = Uint32Array.of(0, 0, 1, 0, 1, 1);
  const attentionMask = Uint32Array.of(1, 1, 1, 1, 1, 0);
  const input = bertInput(engine, { ids, types, attentionMask, shape: [2, 3] }, config);
  expect([...(await input.types.ids.data())]).toEqual([...types]);
  expect(input.mask.mask!.shape).toEqual([2, 3]);
  expect([...(await input.mask.mask!.data())]).toEqual([...attentionMask]);
});

test('what the model cannot read is refused by name', () => {
  const shape = [2, 3] as const;
  const six = (...values: number[]) => Uint32Array.from(values);
  expect(() => bertInput(engine, { ids: six(1, 2), shape })).toThrow(
    /ids has 2 values, and \[2, 3\] takes 6/,
  );
  expect(() => bertInput(engine, { ids, types: six(0), shape })).toThrow(/types has 1 values/);
  expect(() => bertInput(engine, { ids: six(1, 2, 10, 4, 5, 6), shape }, config)).toThrow(
    /token id 10 at place 2 does not exist: this model has 10\. Use the tokenizer/,
  );
  expect(() => bertInput(engine, { ids, types: six(0, 0, 0, 0, 0, 2), shape }, config)).toThrow(
    /segment 2 at place 5/,
  );
  expect(() => bertInput(engine, { ids: six(1, 2, 3, 4, 5), shape: [1, 5] }, config)).toThrow(
    /the text has 5 tokens, and this model reads at most 4\. Shorten it to 4 tokens/,
  );
});
