/** Numbers of IEEE 754 binary16, two bytes each, as bits in a Uint16Array: JavaScript has no array of them everywhere yet. */

/** The largest finite number; what is greater by half a unit becomes infinity. */
export const largestHalf = 65504;

/** Each value rounded to the nearest half, to the even one of two. */
export function toHalves(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const halves = new Uint16Array(values.length);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  for (let i = 0; i < halves.length; i++) {
    single[0] = values[i];
    const sign = (bits[0] >>> 16) & 0x8000;
    const magnitude = bits[0] & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      halves[i] = sign | 0x7e00;
    } else if (magnitude >= 0x47800000) {
      halves[i] = sign | 0x7c00;
    } else if (magnitude < 0x38800000) {
      // Below 2^-14 halves are multiples of 2^-24. Added to 2^-1, whose last bit is worth as much, a float rounds to one.
      single[0] = Math.abs(single[0]) + 0.5;
      halves[i] = sign | (bits[0] - 0x3f000000);
    } else {
      // The exponent's bias shrinks from 127 to 15; a carry out of the fraction raises the exponent, to infinity's at last.
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    }
  }
  return halves;
}

/** The values of halves, all of which float32 can hold: subnormal ones are multiples of 2^-24. */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const sign = halves[i] >>> 15;
    const exponent = (halves[i] >>> 10) & 31;
    const fraction = halves[i] & 1023;
    if (exponent === 0) values[i] = (sign === 1 ? -fraction : fraction) / 16777216;
    else bits[i] = (sign << 31) | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return values;
}
