/** Numbers of JavaScript as the elements of a buffer, and back. */
import { fromHalves, toHalves } from './half.ts';
import type { ElementType, NumberArray } from './spec.ts';

/** The bytes of elements, in whole words; without a copy where the array is of the type already. */
export function encode(data: ArrayLike<number>, type: ElementType): ArrayBufferView {
  switch (type) {
    case 'f32':
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case 'u32':
      return data instanceof Uint32Array ? data : Uint32Array.from(data);
    case 'i32':
      return data instanceof Int32Array ? data : Int32Array.from(data);
    case 'f16': {
      const words = new Uint32Array(Math.ceil(data.length / 2));
      new Uint16Array(words.buffer).set(toHalves(data));
      return words;
    }
  }
}

/** `length` elements from their bytes; those of f16 as float32. */
export function decode(bytes: ArrayBuffer, type: ElementType, length: number): NumberArray {
  switch (type) {
    case 'f32':
      return new Float32Array(bytes, 0, length);
    case 'u32':
      return new Uint32Array(bytes, 0, length);
    case 'i32':
      return new Int32Array(bytes, 0, length);
    case 'f16':
      return fromHalves(new Uint16Array(bytes, 0, length));
  }
}
