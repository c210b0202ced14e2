import { describe, expect, test } from 'vitest';
import { keptLength, MemoryStore, upToStep } from '../../../src/mlm/storage/storage.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('keptLength', () => {
  const all = () => true;

  test('drops a last line that was torn', () => {
    expect(keptLength(bytes('a\nb\nc'), all)).toBe(4);
    expect(keptLength(bytes('abc'), all)).toBe(0);
    expect(keptLength(bytes(''), all)).toBe(0);
    expect(keptLength(bytes('a\n\nb\n'), all)).toBe(5);
  });

  test('counts bytes, not characters', () => {
    expect(keptLength(bytes('é世\nx'), all)).toBe(6);
  });

  test('cuts before the first refused line, even when later ones would pass', () => {
    expect(keptLength(bytes('a\nb\na\n'), (line) => line === 'a')).toBe(2);
  });
});

describe('upToStep', () => {
  test('keeps earlier steps and lines without a step, and drops what is no JSON', () => {
    const lines = [
      '{"event":"start"}',
      '{"step":4}',
      '{"step":5,"loss":1}',
      '{"step":6}',
      '{"st',
      '\0\0',
      'null',
    ];
    expect(lines.filter(upToStep(5))).toEqual([
      '{"event":"start"}',
      '{"step":4}',
      '{"step":5,"loss":1}',
      'null',
    ]);
  });
});

describe('MemoryStore', () => {
  test('gives undefined for what is not there', async () => {
    const store = new MemoryStore();
    expect(await store.readText('a')).toBeUndefined();
    expect(await store.readBytes('a')).toBeUndefined();
    expect(await store.readCheckpoint('a')).toBeUndefined();
    await store.truncateLines('a', () => true);
    expect(await store.readText('a')).toBeUndefined();
  });

  test('replaces a checkpoint as a whole and copies what it is given', async () => {
    const store = new MemoryStore();
    const weights = Uint8Array.of(1, 2);
    await store.writeCheckpoint('last', { weights, 'state.json': '{}' });
    weights[0] = 9;
    (await store.readCheckpoint('last'))!.weights[1] = 9;
    expect(await store.readCheckpoint('last')).toEqual({
      weights: Uint8Array.of(1, 2),
      'state.json': bytes('{}'),
    });
    await store.writeCheckpoint('last', { other: 'é' });
    expect(await store.readCheckpoint('last')).toEqual({ other: bytes('é') });
  });

  test('a resumed log equals one that was never interrupted', async () => {
    const store = new MemoryStore();
    for (const step of [1, 2, 3]) await store.appendLine('metrics.jsonl', `{"step":${step}}`);
    await store.truncateLines('metrics.jsonl', upToStep(1));
    for (const step of [2, 3]) await store.appendLine('metrics.jsonl', `{"step":${step}}`);
    expect(await store.readText('metrics.jsonl')).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
  });

  test('refuses names that lead elsewhere and lines that are two', async () => {
    const store = new MemoryStore();
    for (const name of ['', '.', '..', '../a', 'a/b', 'a\\b', '/a']) {
      await expect(store.write(name, '')).rejects.toThrow(/no plain file name/);
    }
    await expect(store.writeCheckpoint('last', { '../a': '' })).rejects.toThrow(/no plain file name/);
    await expect(store.appendLine('log', 'a\nb')).rejects.toThrow(/line break/);
  });
});
