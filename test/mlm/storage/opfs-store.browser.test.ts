import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFolder, removeEntry } from '../../../src/mlm/storage/opfs.browser.ts';
import { OpfsStore } from '../../../src/mlm/storage/opfs-store.browser.ts';
import { upToStep } from '../../../src/mlm/storage/storage.ts';

const path = ['cloze-test', 'run'];
let store: OpfsStore;
beforeEach(async () => {
  store = await OpfsStore.open(path);
});
afterEach(async () => removeEntry(await openFolder([]), 'cloze-test'));

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of (await openFolder(path)).keys()) found.push(name);
  return found.sort();
}

test('gives undefined for what is not there', async () => {
  expect(await store.readText('a')).toBeUndefined();
  expect(await store.readBytes('a')).toBeUndefined();
  expect(await store.readCheckpoint('a')).toBeUndefined();
  await store.truncateLines('a', () => true);
  expect(await names()).toEqual([]);
});

test('files, logs and checkpoints come back from another store', async () => {
  await store.appendLine('metrics.jsonl', '{"step":1}');
  await store.appendLine('metrics.jsonl', '{"step":2}');
  await store.writeCheckpoint('last', { weights: Uint8Array.of(1, 2), 'state.json': '{}' });
  await store.write('config.json', '{"é":1}');
  const again = await OpfsStore.open(path);
  expect(await again.readText('config.json')).toBe('{"é":1}');
  expect(await again.readText('metrics.jsonl')).toBe('{"step":1}\n{"step":2}\n');
  expect(await again.readCheckpoint('last')).toEqual({
    weights: Uint8Array.of(1, 2),
    'state.json': new TextEncoder().encode('{}'),
  });
});

test('a checkpoint is replaced whole, and one that was cut off does not count', async () => {
  await store.writeCheckpoint('last', { a: 'one', b: 'one' });
  const folder = await openFolder([...path, 'last.2']);
  await (await (await folder.getFileHandle('a', { create: true })).createWritable()).close();
  expect(Object.keys((await store.readCheckpoint('last'))!).sort()).toEqual(['a', 'b']);
  await store.writeCheckpoint('last', { a: 'two' });
  expect(await store.readCheckpoint('last')).toEqual({ a: new TextEncoder().encode('two') });
  expect(await names()).toEqual(['last.2', 'last.current']);
});

test('a log is cut before the steps that a resumed run does again', async () => {
  for (const step of [1, 2, 3]) await store.appendLine('metrics.jsonl', `{"step":${step}}`);
  await store.truncateLines('metrics.jsonl', upToStep(2));
  await store.appendLine('metrics.jsonl', '{"step":3,"again":true}');
  expect(await store.readText('metrics.jsonl')).toBe('{"step":1}\n{"step":2}\n{"step":3,"again":true}\n');
});

test('names that would leave the folder are refused', async () => {
  await expect(store.write('../a', '')).rejects.toThrow(/plain file name/);
});
