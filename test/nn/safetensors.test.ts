import { describe, expect, test } from 'vitest';
import type { StoredTensor } from '../../src/nn/safetensors.ts';
import {
  parseSafetensors,
  serializeSafetensors,
  storedTensor,
  toBigInts,
  toFloat32,
  toInt32,
  toNumbers,
} from '../../src/nn/safetensors.ts';

/** A file with any header, sound or not, followed by `dataLength` bytes. */
function fileOf(header: string | Uint8Array, dataLength: number, claimed?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.byteLength + dataLength);
  new DataView(file.buffer).setBigUint64(0, claimed ?? BigInt(text.byteLength), true);
  file.set(text, 8);
  return file;
}

const entry = (begin: number, end: number, shape = `[${(end - begin) / 4}]`, dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

const broken: [what: string, file: Uint8Array, defect: RegExp][] = [
  ['no bytes at all', new Uint8Array(0), /0 bytes are too few/],
  ['seven bytes', new Uint8Array(7), /7 bytes are too few/],
  ['an empty header', fileOf('', 0), /does not begin with \{/],
  ['a header past the end', fileOf('{}', 0, 3n), /claims 3 bytes, but only 2 follow/],
  ['a header of 2^64 - 1 bytes', fileOf('{}', 0, 2n ** 64n - 1n), /18446744073709551615 bytes, more than/],
  ['a header above 100 MB', fileOf('{}', 0, 100_000_001n), /100000001 bytes, more than/],
  ['a header that begins with a blank', fileOf(' {}', 0), /does not begin with \{/],
  ['a header that begins with a byte order mark', fileOf('\ufeff{}', 0), /does not begin with \{/],
  ['a header that is a list', fileOf('[]', 0), /does not begin with \{/],
  ['bytes that are not UTF-8', fileOf(new Uint8Array([123, 34, 255, 34, 125]), 0), /not UTF-8/],
  ['an unclosed header', fileOf(`{"w":${entry(0, 4)}`, 4), /not valid JSON/],
  ['a trailing comma', fileOf(`{"w":${entry(0, 4)},}`, 4), /not a string/],
  ['a comment', fileOf(`{/**/"w":${entry(0, 4)}}`, 4), /not a string/],
  ['text behind the header', fileOf(`{"w":${entry(0, 4)}}x`, 4), /behind its closing brace/],
  ['zeros as padding', fileOf(`{"w":${entry(0, 4)}}\0\0`, 4), /behind its closing brace/],
  ['a raw newline in a name', fileOf(`{"a\nb":${entry(0, 4)}}`, 4), /not a valid JSON string/],
  ['half a surrogate pair', fileOf(`{"\\ud800":${entry(0, 4)}}`, 4), /not a valid JSON string/],
  ['an unclosed string that ends in a backslash', fileOf('{"a\\', 0), /not valid JSON/],
  ['deep nesting', fileOf(`{"w":${'['.repeat(200_000)}`, 0), /tensor "w" is not a JSON object/],
  ['a tensor twice', fileOf(`{"w":${entry(0, 4)},"w":${entry(4, 8)}}`, 8), /the header holds "w" twice/],
  ['a tensor twice, once escaped', fileOf(`{"w":${entry(0, 4)},"\\u0077":${entry(4, 8)}}`, 8), /"w" twice/],
  [
    '__proto__ twice',
    fileOf(`{"__proto__":${entry(0, 4)},"__proto__":${entry(4, 8)}}`, 8),
    /"__proto__" twice/,
  ],
  [
    'a key twice in an entry',
    fileOf('{"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    /tensor "w" holds "dtype" twice/,
  ],
  ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}', 0), /"__metadata__" twice/],
  ['a metadata key twice', fileOf('{"__metadata__":{"a":"1","a":"2"}}', 0), /__metadata__ holds "a" twice/],
  ['metadata that is a number', fileOf('{"__metadata__":{"a":1}}', 0), /__metadata__ "a" is not a string/],
  ['metadata that is a list', fileOf('{"__metadata__":["a"]}', 0), /__metadata__ is not a JSON object/],
  ['metadata that is null', fileOf('{"__metadata__":null}', 0), /__metadata__ is not a JSON object/],
  ['no dtype', fileOf('{"w":{"shape":[1],"data_offsets":[0,4]}}', 4), /lacks a dtype/],
  ['no shape', fileOf('{"w":{"dtype":"F32","data_offsets":[0,4]}}', 4), /lacks a shape/],
  ['no offsets', fileOf('{"w":{"dtype":"F32","shape":[1]}}', 4), /lacks data_offsets/],
  ['an unknown field', fileOf(`{"w":{"stride":[1],${entry(0, 4).slice(1)}}`, 4), /unknown field "stride"/],
  ['an unknown dtype', fileOf(`{"w":${entry(0, 4, '[1]', 'F31')}}`, 4), /unknown dtype "F31"/],
  ['a dtype in small letters', fileOf(`{"w":${entry(0, 4, '[1]', 'f32')}}`, 4), /unknown dtype "f32"/],
  ['a dtype every object has', fileOf(`{"w":${entry(0, 4, '[1]', 'constructor')}}`, 4), /unknown dtype/],
  [
    'a dtype that is a number',
    fileOf('{"w":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}', 4),
    /dtype of tensor "w"/,
  ],
  ['a negative size', fileOf(`{"w":${entry(0, 4, '[-1]')}}`, 4), /"-1", which is not a natural number/],
  ['two negative sizes', fileOf(`{"w":${entry(0, 4, '[-1,-1]')}}`, 4), /natural number/],
  ['a fractional size', fileOf(`{"w":${entry(0, 4, '[0.5,2]')}}`, 4), /"0.5"/],
  ['a whole size with a point', fileOf(`{"w":${entry(0, 4, '[1.0]')}}`, 4), /"1.0"/],
  ['a size with an exponent', fileOf(`{"w":${entry(0, 4, '[1e0]')}}`, 4), /"1e0"/],
  ['a size with leading zeros', fileOf(`{"w":${entry(0, 4, '[01]')}}`, 4), /"01"/],
  ['a size beyond 2^53', fileOf(`{"w":${entry(0, 4, '[9007199254740993]')}}`, 4), /natural number/],
  ['a size that is a string', fileOf(`{"w":${entry(0, 4, '["1"]')}}`, 4), /natural number/],
  ['a size that is missing', fileOf(`{"w":${entry(0, 4, '[1,]')}}`, 4), /natural number/],
  ['a shape that is a number', fileOf(`{"w":${entry(0, 4, '1')}}`, 4), /shape of tensor "w" is not a list/],
  [
    'sizes whose product wraps to 1 element',
    fileOf(`{"w":${entry(0, 4, '[4294967297,4294967296,4294967296]')}}`, 4),
    /impossible size/,
  ],
  ['half a byte', fileOf(`{"w":${entry(0, 2, '[3]', 'F4')}}`, 2), /impossible size/],
  ['three offsets', fileOf('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}', 4), /not two numbers/],
  ['a negative offset', fileOf('{"w":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}', 4), /"-4"/],
  ['offsets that run backwards', fileOf(`{"w":${entry(4, 0, '[1]')}}`, 4), /spans -4 bytes/],
  [
    'a size that the shape contradicts',
    fileOf(`{"w":${entry(0, 8, '[3]')}}`, 8),
    /spans 8 bytes, but \[3\] of F32/,
  ],
  ['offsets beyond the data', fileOf(`{"w":${entry(0, 8)}}`, 4), /take 8 bytes, but only 4/],
  ['trailing bytes', fileOf(`{"w":${entry(0, 4)}}`, 5), /1 bytes follow the last tensor/],
  ['data without tensors', fileOf('{}', 5), /5 bytes follow/],
  [
    'a hole at the start',
    fileOf(`{"w":${entry(4, 8)}}`, 8),
    /no tensor covers the 4 bytes before tensor "w"/,
  ],
  ['a hole inside', fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /before tensor "b"/],
  ['an overlap', fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12), /tensor "b" overlaps/],
  ['one range used twice', fileOf(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4), /overlaps/],
  [
    'an empty tensor inside another',
    fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 4)}}`, 8),
    /overlaps|no tensor/,
  ],
];

describe('parseSafetensors refuses', () => {
  test.each(broken)('%s', (_what, file, defect) => {
    const parse = () => parseSafetensors(file, 'model.safetensors');
    expect(parse).toThrow(expect.objectContaining({ name: 'ClozeError', code: 'format' }));
    expect(parse).toThrow(defect);
    expect(parse).toThrow(/^model\.safetensors is not a sound safetensors file: .*$/);
  });
});

describe('parseSafetensors', () => {
  test('takes an empty file and the padding of the reference writer', () => {
    expect(parseSafetensors(fileOf('{}      ', 0)).tensors.size).toBe(0);
  });

  test('takes blanks wherever JSON has them, and fields in any order', () => {
    const file = fileOf('{ "w" : { "data_offsets" : [ 0 , 4 ] ,\n"shape":[ ],\t"dtype" : "F32" } } ', 4);
    expect(parseSafetensors(file).tensors.get('w')).toEqual({
      dtype: 'F32',
      shape: [],
      bytes: new Uint8Array(4),
    });
  });

  test('keeps names that objects of JavaScript already have', () => {
    const header = `{"__metadata__":{"__proto__":"x"},"__proto__":${entry(0, 4)},"constructor":${entry(4, 8)}}`;
    const { tensors, metadata } = parseSafetensors(fileOf(header, 8));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x']]);
    expect(metadata.toString).toBeUndefined();
  });

  test('views the data instead of copying it', () => {
    const file = fileOf(`{"w":${entry(0, 4)}}`, 4);
    expect(parseSafetensors(file).tensors.get('w')!.bytes.buffer).toBe(file.buffer);
  });

  test('reads a file that lies inside a larger buffer', () => {
    const file = serializeSafetensors(new Map([['w', storedTensor(Float32Array.of(1, -2), [2])]]));
    for (const shift of [1, 4]) {
      const inside = new Uint8Array(file.byteLength + shift).subarray(shift);
      inside.set(file);
      expect([...toFloat32(parseSafetensors(inside).tensors.get('w')!)]).toEqual([1, -2]);
    }
  });
});

describe('serializeSafetensors', () => {
  test('writes the bytes of the reference writer', () => {
    const file = serializeSafetensors(new Map([['attn0', storedTensor(Float32Array.of(0, 1), [1, 2])]]));
    const text = '{"attn0":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}    ';
    expect(file[0]).toBe(text.length);
    expect(text.length % 8).toBe(0);
    expect(new TextDecoder().decode(file.subarray(8, 8 + text.length))).toBe(text);
    expect([...file.subarray(8 + text.length)]).toEqual([0, 0, 0, 0, 0, 0, 128, 63]);
    expect([...serializeSafetensors(new Map())]).toEqual([
      8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32,
    ]);
  });

  test('sorts by width, then by name in the order of UTF-8, whatever the order given', () => {
    const names: [string, StoredTensor][] = [
      ['\u{1f600}', storedTensor(Float32Array.of(0), [])],
      ['b', storedTensor(Uint8Array.of(0), [])],
      ['\uff5e', storedTensor(Float32Array.of(0), [])],
      ['ab', storedTensor(Float32Array.of(0), [])],
      ['a', storedTensor(Float32Array.of(0), [])],
      ['z', storedTensor(BigInt64Array.of(0n), [])],
    ];
    const file = serializeSafetensors(new Map(names), { b: '2', a: '1' });
    expect([...parseSafetensors(file).tensors.keys()]).toEqual(['z', 'a', 'ab', '\uff5e', '\u{1f600}', 'b']);
    expect(serializeSafetensors(new Map(names.reverse()), { a: '1', b: '2' })).toEqual(file);
  });

  test('refuses what no reader would take', () => {
    const one = storedTensor(Float32Array.of(1), [1]);
    expect(() => serializeSafetensors(new Map([['__metadata__', one]]))).toThrow(/"__metadata__"/);
    expect(() => serializeSafetensors(new Map([['w', { ...one, shape: [2] }]]))).toThrow(
      /4 bytes are not \[2\] of F32/,
    );
    expect(() => serializeSafetensors(new Map([['w', { ...one, shape: [-1, -1] }]]))).toThrow(
      /4 bytes are not/,
    );
    expect(() => serializeSafetensors(new Map([['\ud800', one]]))).toThrow(/surrogate/);
    expect(() => serializeSafetensors(new Map(), { a: '\udc00' })).toThrow(/surrogate/);
  });
});

describe('conversions', () => {
  const halves = (dtype: 'F16' | 'BF16', ...bits: number[]): StoredTensor => ({
    ...storedTensor(Uint16Array.from(bits), [bits.length]),
    dtype,
  });

  test('every finite F16 value agrees with its definition', () => {
    const bits = Array.from({ length: 65536 }, (_, i) => i).filter((i) => ((i >> 10) & 31) !== 31);
    const got = toFloat32(halves('F16', ...bits));
    bits.forEach((half, i) => {
      const exponent = (half >> 10) & 31;
      const fraction = half & 1023;
      const magnitude = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (!Object.is(got[i], half >> 15 ? -magnitude : magnitude))
        throw new Error(`half ${half} gave ${got[i]}`);
    });
    expect(bits.length).toBe(63488);
  });

  test('infinities, NaN and bfloat16', () => {
    expect([...toFloat32(halves('F16', 0x7c00, 0xfc00, 0x7e01))]).toEqual([Infinity, -Infinity, NaN]);
    expect([...toFloat32(halves('BF16', 0x3fc0, 0xc049, 0x8000, 0xff80, 0x0001))]).toEqual([
      1.5,
      -3.140625,
      -0,
      -Infinity,
      2 ** -133,
    ]);
  });

  test('aligned float32 is shared, unaligned is copied', () => {
    const values = Float32Array.of(1, 2, 3);
    expect(toFloat32(storedTensor(values, [3])).buffer).toBe(values.buffer);
    const shifted = new Uint8Array(13);
    shifted.set(new Uint8Array(values.buffer), 1);
    const bytes = shifted.subarray(1);
    expect([...toFloat32({ dtype: 'F32', shape: [3], bytes })]).toEqual([1, 2, 3]);
  });

  test('what does not fit is an error that says where', () => {
    expect([...toInt32(storedTensor(BigInt64Array.of(-100n, 5n), [2]))]).toEqual([-100, 5]);
    expect([...toInt32({ dtype: 'BOOL', shape: [2], bytes: Uint8Array.of(0, 255) })]).toEqual([0, 1]);
    expect(() => toInt32(storedTensor(Uint32Array.of(0, 2 ** 31), [2]))).toThrow(
      /Element 1 of an U32 tensor, 2147483648/,
    );
    expect(() => toInt32(storedTensor(Float32Array.of(1), []))).toThrow(/F32 cannot be read as int32/);
    expect(() => toNumbers(storedTensor(BigInt64Array.of(2n ** 53n), []))).toThrow(
      /9007199254740992, does not fit/,
    );
    expect([...toBigInts(storedTensor(BigUint64Array.of(2n ** 64n - 1n), []))]).toEqual([2n ** 64n - 1n]);
    expect(() => toFloat32(storedTensor(Float64Array.of(1, 1e39), [2]))).toThrow(
      /Element 1 of an F64 tensor, 1e\+39/,
    );
    expect([...toFloat32(storedTensor(Float64Array.of(Infinity, NaN), [2]))]).toEqual([Infinity, NaN]);
    expect(() => toFloat32(storedTensor(Int32Array.of(1), []))).toThrow(/I32 cannot be read as float32/);
    expect(() => toNumbers({ dtype: 'F8_E4M3', shape: [], bytes: new Uint8Array(1) })).toThrow(/F8_E4M3/);
  });
});
