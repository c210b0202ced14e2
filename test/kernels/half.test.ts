import { expect, test } from 'vitest';
import { fromHalves, toHalves } from '../../src/kernels/half.ts';

const isNaN16 = (half: number) => (half & 0x7fff) > 0x7c00;

test('every half survives the way to float32 and back', () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter((half) => !isNaN16(half));
  expect(toHalves(fromHalves(all))).toEqual(all);
  expect(fromHalves(toHalves([Number.NaN]))[0]).toBeNaN();
});

test('what lies between two halves goes to the nearer one, and from the middle to the even one', () => {
  const positive = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
  const values = fromHalves(positive);
  for (let i = 0; i + 1 < positive.length; i++) {
    const middle = (values[i] + values[i + 1]) / 2;
    const step = (values[i + 1] - values[i]) / 64;
    const got = [...toHalves([middle - step, middle, middle + step, -middle - step])];
    expect(got).toEqual([i, i + (i % 2), i + 1, 0x8000 | (i + 1)]);
  }
});

test('what is beyond the largest half becomes infinite', () => {
  expect([...fromHalves(toHalves([65504, 65519.99, 65520, 1e38, -1e6]))]).toEqual([
    65504,
    65504,
    Infinity,
    Infinity,
    -Infinity,
  ]);
});
