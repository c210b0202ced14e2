import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FolderStore } from '../../../src/mlm/storage/folder-store.node.ts';
import { upToStep } from '../../../src/mlm/storage/storage.ts';

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cloze-store-'));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

test('an unused store makes no folder and holds nothing', async () => {
  const store = await FolderStore.open(join(scratch, 'run'));
  expect(await store.readText('a')).toBeUndefined();
  expect(await store.readBytes('a')).toBeUndefined();
  expect(await store.readCheckpoint('last')).toBeUndefined();
  await store.truncateLines('metrics.jsonl', () => true);
  expect(existsSync(store.folder)).toBe(false);
});

test('files, logs and checkpoints come back from another store on the same folder', async () => {
  const store = await FolderStore.open(join(scratch, 'run'));
  await store.appendLine('metrics.jsonl', '{"step":1}');
  await store.writeCheckpoint('last', { weights: Uint8Array.of(1, 2), 'state.json': '{}' });
  await store.write('config.json', '{"é":1}');
  const again = await FolderStore.open(store.folder);
  expect(await again.readText('config.json')).toBe('{"é":1}');
  expect(await again.readBytes('metrics.jsonl')).toEqual(new TextEncoder().encode('{"step":1}\n'));
  const files = (await again.readCheckpoint('last'))!;
  expect(Object.keys(files).sort()).toEqual(['state.json', 'weights']);
  expect(files.weights).toEqual(Uint8Array.of(1, 2));
  expect(readdirSync(store.folder).sort()).toEqual(['config.json', 'last', 'metrics.jsonl']);
});

test('a log with a torn line, resumed from an earlier step, equals one that was never interrupted', async () => {
  const store = await FolderStore.open(scratch);
  for (const step of [1, 2, 3]) await store.appendLine('metrics.jsonl', `{"step":${step}}`);
  appendFileSync(join(scratch, 'metrics.jsonl'), '{"ste');
  const resumed = await FolderStore.open(scratch);
  await resumed.truncateLines('metrics.jsonl', upToStep(2));
  expect(await resumed.readText('metrics.jsonl')).toBe('{"step":1}\n{"step":2}\n');
  for (const step of [3, 4]) await resumed.appendLine('metrics.jsonl', `{"step":${step}}`);
  expect(await resumed.readText('metrics.jsonl')).toBe('{"step":1}\n{"step":2}\n{"step":3}\n{"step":4}\n');
});

test('names that lead out of the folder are refused', async () => {
  const store = await FolderStore.open(scratch);
  await expect(store.write('../a', '')).rejects.toThrow(/no plain file name/);
  await expect(store.writeCheckpoint('last', { '../a': '' })).rejects.toThrow(/no plain file name/);
  await expect(store.appendLine('log', 'a\nb')).rejects.toThrow(/line break/);
  expect(readdirSync(scratch)).toEqual([]);
});
