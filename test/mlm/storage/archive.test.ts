import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { packModel, unpackModel } from '../../../src/mlm/storage/archive.ts';

test('what was packed comes back, and equal models make equal archives', async () => {
  const files = { 'config.json': '{"é":1}', 'model.safetensors': Uint8Array.of(1, 2, 3) };
  const zip = packModel(files);
  const read = unpackModel(zip, 'a.zip');
  expect(new TextDecoder().decode(await read('config.json'))).toBe('{"é":1}');
  expect(await read('model.safetensors')).toEqual(Uint8Array.of(1, 2, 3));
  expect(await read('vocab.txt')).toBeUndefined();
  expect(packModel(files)).toEqual(zip);
});

test('files may lie in a folder of the archive', async () => {
  const read = unpackModel(zipSync({ 'bert/config.json': Uint8Array.of(123, 125) }), 'a.zip');
  expect(await read('config.json')).toEqual(Uint8Array.of(123, 125));
});

test('what is no archive is refused by name', () => {
  expect(() => unpackModel(Uint8Array.of(1, 2, 3), 'a.zip')).toThrow(/^a\.zip is no zip/);
});
