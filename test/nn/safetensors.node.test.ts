import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StoredTensor } from '../../src/nn/safetensors.ts';
import { parseSafetensors, serializeSafetensors, toBigInts, toNumbers } from '../../src/nn/safetensors.ts';

const fixtures = resolve(
  process.env.CLOZE_SHARED ?? join(import.meta.dirname, '../../../shared'),
  'fixtures',
);
const present = existsSync(fixtures);
if (!present && process.env.CI) throw new Error(`No fixtures at ${fixtures}; set CLOZE_SHARED`);
if (!present) console.warn(`Skipped: no fixtures at ${fixtures}; set CLOZE_SHARED`);

interface Expected {
  dtype: string;
  shape: number[];
  values: (number | string | boolean)[];
}

interface SoundFile {
  metadata: Record<string, string>;
  tensors: Record<string, Expected>;
}

const readJson = (path: string) => (present ? JSON.parse(readFileSync(join(fixtures, path), 'utf8')) : {});
const readBytes = (path: string) => new Uint8Array(readFileSync(join(fixtures, path)));

/** Values in the writing of the index: text for what JSON cannot express exactly. */
function written(tensor: StoredTensor): unknown[] {
  if (tensor.dtype === 'BOOL') return [...tensor.bytes].map((byte) => byte !== 0);
  if (tensor.dtype === 'I64' || tensor.dtype === 'U64') return [...toBigInts(tensor)];
  return [...toNumbers(tensor)];
}

function wanted({ dtype, values }: Expected): unknown[] {
  if (dtype === 'BOOL') return values;
  return values.map((value) => (dtype === 'I64' || dtype === 'U64' ? BigInt(value) : Number(value)));
}

describe.skipIf(!present)('safetensors fixtures', () => {
  test.each(Object.entries(readJson('safetensors/index.json') as Record<string, SoundFile>))(
    '%s is read, written and read again',
    (name, expected) => {
      const first = parseSafetensors(readBytes(`safetensors/${name}`), name);
      const second = parseSafetensors(serializeSafetensors(first.tensors, first.metadata));
      for (const file of [first, second]) {
        expect({ ...file.metadata }).toEqual(expected.metadata);
        expect([...file.tensors.keys()].sort()).toEqual(Object.keys(expected.tensors).sort());
        for (const [tensor, want] of Object.entries(expected.tensors)) {
          const got = file.tensors.get(tensor)!;
          expect({ dtype: got.dtype, shape: got.shape }).toEqual({ dtype: want.dtype, shape: want.shape });
          expect(written(got)).toEqual(wanted(want));
        }
      }
    },
  );

  test.each(Object.keys(readJson('safetensors-broken/index.json')))('%s is refused', (name) => {
    const parse = () => parseSafetensors(readBytes(`safetensors-broken/${name}`), name);
    expect(parse).toThrow(expect.objectContaining({ name: 'ClozeError', code: 'format' }));
  });

  test('models of another writer come back with the same content', () => {
    const folder = join(fixtures, 'bert-tiny-a/mlm');
    const files = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) {
      const { tensors, metadata } = parseSafetensors(readBytes(`bert-tiny-a/mlm/${name}`), name);
      const again = parseSafetensors(serializeSafetensors(tensors, metadata)).tensors;
      expect([...again.keys()].sort()).toEqual([...tensors.keys()].sort());
      for (const [tensor, { dtype, shape, bytes }] of tensors) {
        const got = again.get(tensor)!;
        expect({ dtype: got.dtype, shape: got.shape }).toEqual({ dtype, shape });
        expect(Buffer.compare(got.bytes, bytes)).toBe(0);
      }
    }
  });
});
