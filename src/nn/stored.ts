/**
 * A tensor as it lies in a file: element type, shape, raw bytes. The types are those of the safetensors format
 * (huggingface/safetensors, `Dtype`). Elements are row-major and little-endian; so are the typed arrays of every
 * platform that has WebGPU, which is why aligned data is viewed here rather than copied.
 */
import { ClozeError } from '../gpu/errors.ts';
import { fromHalves } from '../kernels/half.ts';

/** Bits of one element, in the order in which the reference writer ranks the types. */
export const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type StoredDtype = keyof typeof DTYPE_BITS;

export interface StoredTensor {
  dtype: StoredDtype;
  /** Sizes of the axes, outermost first; `[]` is a single value. */
  shape: number[];
  /** The elements, often a view of a whole file and then not aligned to anything. */
  bytes: Uint8Array;
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

interface ArrayClass<T extends TypedArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

const ARRAYS: Partial<Record<StoredDtype, ArrayClass<TypedArray>>> = {
  F32: Float32Array,
  F64: Float64Array,
  I8: Int8Array,
  I16: Int16Array,
  I32: Int32Array,
  I64: BigInt64Array,
  U8: Uint8Array,
  U16: Uint16Array,
  U32: Uint32Array,
  U64: BigUint64Array,
};

/**
 * How many bytes a tensor takes; undefined when `shape` times the element's size is no exact integer below 2^53 or
 * no whole number of bytes, as half a byte of F4 would be.
 */
export function storedByteLength(dtype: StoredDtype, shape: readonly number[]): number | undefined {
  let elements = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    elements *= size;
    if (elements > Number.MAX_SAFE_INTEGER) return undefined;
  }
  const bits = elements * DTYPE_BITS[dtype];
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

/** Wraps a typed array for storage, without copying; the element type follows from the array's class. */
export function storedTensor(values: TypedArray, shape: readonly number[]): StoredTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const found = (Object.keys(ARRAYS) as StoredDtype[]).find((dtype) => values instanceof ARRAYS[dtype]!);
  if (!found) throw new ClozeError('dtype', `${values.constructor.name} has no counterpart in a tensor file`);
  return { dtype: found, shape: [...shape], bytes };
}

/**
 * The values of an F32, F16, BF16 or F64 tensor. F32 data that is aligned is not copied: the result then shares the
 * tensor's memory. Throws when the type is another, or when an F64 value lies outside float32's range.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  switch (tensor.dtype) {
    case 'F32':
      return viewAs(Float32Array, tensor.bytes);
    case 'F64':
      return narrow(viewAs(Float64Array, tensor.bytes));
    case 'F16':
      return fromHalves(viewAs(Uint16Array, tensor.bytes));
    case 'BF16':
      return widenBF16(viewAs(Uint16Array, tensor.bytes));
    default:
      throw new ClozeError('dtype', `A tensor of type ${tensor.dtype} cannot be read as float32`);
  }
}

/**
 * The values of an integer or BOOL tensor as int32, the type of token ids and labels on the GPU. Throws when a value
 * lies outside int32's range.
 */
export function toInt32(tensor: StoredTensor): Int32Array {
  if (tensor.dtype === 'I32') return viewAs(Int32Array, tensor.bytes);
  if (!/^[IU]|^BOOL$/.test(tensor.dtype)) {
    throw new ClozeError('dtype', `A tensor of type ${tensor.dtype} cannot be read as int32`);
  }
  return Int32Array.from(toNumbers(tensor), (value, index) => {
    if ((value | 0) !== value) throw outOfRange(tensor.dtype, index, value, 'int32');
    return value;
  });
}

/**
 * The values as JavaScript numbers; BOOL gives 0 and 1. Throws for an I64 or U64 value beyond 2^53, which a number
 * cannot hold (use {@link toBigInts}), and for the types below 16 bits that are no integers.
 */
export function toNumbers(tensor: StoredTensor): Float64Array {
  const { dtype, bytes } = tensor;
  if (dtype === 'F16' || dtype === 'BF16') return Float64Array.from(toFloat32(tensor));
  if (dtype === 'BOOL') return Float64Array.from(bytes, (byte) => (byte === 0 ? 0 : 1));
  if (dtype === 'I64' || dtype === 'U64') {
    const integers = toBigInts(tensor);
    const numbers = new Float64Array(integers.length);
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = Number(integers[i]);
      if (!Number.isSafeInteger(numbers[i])) throw outOfRange(dtype, i, integers[i], 'a number');
    }
    return numbers;
  }
  const array = ARRAYS[dtype];
  if (!array) throw new ClozeError('dtype', `A tensor of type ${dtype} cannot be read as numbers`);
  return Float64Array.from(viewAs(array, bytes) as Exclude<TypedArray, BigInt64Array | BigUint64Array>);
}

/** The values of an I64 or U64 tensor, exactly; aligned data is not copied. */
export function toBigInts(tensor: StoredTensor): BigInt64Array | BigUint64Array {
  if (tensor.dtype === 'I64') return viewAs(BigInt64Array, tensor.bytes);
  if (tensor.dtype === 'U64') return viewAs(BigUint64Array, tensor.bytes);
  throw new ClozeError('dtype', `A tensor of type ${tensor.dtype} cannot be read as 64-bit integers`);
}

/** Sees `bytes` as elements of `array`, copying only where such an array may not start at their address. */
function viewAs<T extends TypedArray>(array: ArrayClass<T>, bytes: Uint8Array): T {
  const size = array.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return new array(buffer, byteOffset, bytes.byteLength / size);
}

function narrow(wide: Float64Array): Float32Array {
  const values = Float32Array.from(wide);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i]) && Number.isFinite(wide[i]))
      throw outOfRange('F64', i, wide[i], 'float32');
  }
  return values;
}

/** bfloat16 is the upper half of a float32. */
function widenBF16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i] << 16;
  return new Float32Array(bits.buffer);
}

function outOfRange(dtype: StoredDtype, index: number, value: number | bigint, into: string): ClozeError {
  return new ClozeError(
    'dtype',
    `Element ${index} of an ${dtype} tensor, ${value}, does not fit into ${into}`,
  );
}
