/**
 * The safetensors format (huggingface/safetensors, README "Format"): the length N of the header as a u64, N bytes of
 * JSON that begin with `{` and may be padded with blanks, then the tensors' data back to back. The reader refuses
 * whatever the format forbids, so that two readers can never see two different models in one file.
 */
import { ClozeError } from '../gpu/errors.ts';
import type { Header, Refuse } from './safetensors-header.ts';
import { parseHeader, quote } from './safetensors-header.ts';
import type { StoredDtype, StoredTensor } from './stored.ts';
import { DTYPE_BITS, storedByteLength } from './stored.ts';

export type { StoredDtype, StoredTensor, TypedArray } from './stored.ts';
export { storedTensor, toBigInts, toFloat32, toInt32, toNumbers } from './stored.ts';

export interface SafetensorsFile {
  /** Has no prototype, so that no key is there but the file's. */
  metadata: Record<string, string>;
  /** In the order of the header. */
  tensors: Map<string, StoredTensor>;
}

const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads a whole file. The tensors are views of `bytes`, nothing is copied. `name` is what errors call the file.
 * Throws a ClozeError with the code `format` that names the defect when the file breaks the format in any way.
 */
export function parseSafetensors(bytes: Uint8Array, name = 'the file'): SafetensorsFile {
  const refuse: Refuse = (defect) => {
    throw new ClozeError(
      'format',
      `${name} is not a sound safetensors file: ${defect}`,
      'Fetch or save it again.',
    );
  };
  const headerEnd = 8 + headerLength(bytes, refuse);
  const header = parseHeader(decodeHeader(bytes.subarray(8, headerEnd), refuse), refuse);
  const data = bytes.subarray(headerEnd);
  checkLayout(header, data.byteLength, refuse);
  const tensors = new Map<string, StoredTensor>();
  for (const [tensor, { dtype, shape, begin, end }] of header.entries) {
    tensors.set(tensor, { dtype, shape, bytes: data.subarray(begin, end) });
  }
  return { metadata: header.metadata, tensors };
}

function headerLength(bytes: Uint8Array, refuse: Refuse): number {
  if (bytes.byteLength < 8) refuse(`${bytes.byteLength} bytes are too few for the length of a header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    refuse(`its header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  if (8 + Number(length) > bytes.byteLength) {
    refuse(`its header claims ${length} bytes, but only ${bytes.byteLength - 8} follow`);
  }
  return Number(length);
}

function decodeHeader(header: Uint8Array, refuse: Refuse): string {
  if (header[0] !== '{'.charCodeAt(0)) refuse('its header does not begin with {');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(header);
  } catch {
    return refuse('its header is not UTF-8');
  }
}

/** Each tensor has the size its shape demands, and together they cover the data exactly once. */
function checkLayout(header: Header, dataLength: number, refuse: Refuse): void {
  const byOffset = [...header.entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const [name, { dtype, shape, begin, end }] of byOffset) {
    const length = storedByteLength(dtype, shape);
    if (length === undefined) refuse(`tensor ${quote(name)} has an impossible size, [${shape}] of ${dtype}`);
    if (end - begin !== length) {
      refuse(`tensor ${quote(name)} spans ${end - begin} bytes, but [${shape}] of ${dtype} takes ${length}`);
    }
    if (begin < covered) refuse(`tensor ${quote(name)} overlaps another`);
    if (begin > covered) refuse(`no tensor covers the ${begin - covered} bytes before tensor ${quote(name)}`);
    covered = end;
  }
  if (covered > dataLength) refuse(`its tensors take ${covered} bytes, but only ${dataLength} are there`);
  if (covered < dataLength) refuse(`${dataLength - covered} bytes follow the last tensor`);
}

/**
 * Writes a file. Equal content gives equal bytes: as the reference writer does, tensors are sorted by element type,
 * widest first, then by name, and the header is padded to a multiple of 8 bytes, so that every tensor is aligned.
 * Throws when a tensor's bytes do not match its shape, or a name cannot be stored.
 */
export function serializeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const ranks = new Map(Object.keys(DTYPE_BITS).map((dtype, rank) => [dtype as StoredDtype, rank]));
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => ranks.get(b.dtype)! - ranks.get(a.dtype)! || compareCodePoints(nameA, nameB),
  );

  const members: string[] = [];
  const notes = Object.entries(metadata).sort(([a], [b]) => compareCodePoints(a, b));
  if (notes.length > 0)
    members.push(`"__metadata__":{${notes.map(([key, text]) => member(key, text)).join(',')}}`);
  let dataLength = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    if (name === '__metadata__') throw new ClozeError('format', 'No tensor can be stored as "__metadata__"');
    if (storedByteLength(dtype, shape) !== bytes.byteLength) {
      throw new ClozeError(
        'shape',
        `Tensor ${quote(name)}: ${bytes.byteLength} bytes are not [${shape}] of ${dtype}`,
      );
    }
    const end = dataLength + bytes.byteLength;
    members.push(member(name, { dtype, shape, data_offsets: [dataLength, end] }));
    dataLength = end;
  }

  const header = new TextEncoder().encode(`{${members.join(',')}}`);
  const dataStart = 8 + Math.ceil(header.byteLength / 8) * 8;
  const file = new Uint8Array(dataStart + dataLength).fill(' '.charCodeAt(0), 0, dataStart);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.set(header, 8);
  let offset = dataStart;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return file;
}

function member(key: string, value: unknown): string {
  if (/\p{Surrogate}/u.test(key + (typeof value === 'string' ? value : ''))) {
    throw new ClozeError('format', `${quote(key)} holds half a surrogate pair, which UTF-8 cannot express`);
  }
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
}

/** The order of UTF-8 bytes, which differs from that of JavaScript's strings beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  const pointsA = [...a];
  const pointsB = [...b];
  const differs = pointsA.findIndex((point, i) => point !== pointsB[i]);
  if (differs < 0) return pointsA.length - pointsB.length;
  return pointsA[differs].codePointAt(0)! - (pointsB[differs]?.codePointAt(0) ?? -1);
}
