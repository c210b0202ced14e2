import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSession, openWholeText } from '../../../src/mlm/data/session.node.ts';
import { folderShards } from '../../../src/mlm/data/shards.node.ts';
import { openShards, writeShards } from '../../../src/mlm/data/shards.ts';
import { stories } from '../../../src/mlm/data/stories.ts';
import { TrainingBatches } from '../../../src/mlm/data/trainingBatches.ts';
import { createObjective, parseOptions, type Session, type TrainOptions } from '../../../src/mlm/index.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';

let folder: string;
let data: string;
const texts = stories({ count: 300, seed: 5 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-shards-'));
  data = join(folder, 'data');
  await mkdir(data);
  const half = texts.length / 2;
  await writeFile(join(data, 'a.txt'), texts.slice(0, half).join('\r\n\r\n'));
  const records = [...texts.slice(half), texts[0], texts[0], texts[200]];
  await writeFile(join(data, 'b.jsonl'), records.map((text) => JSON.stringify({ text })).join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (more: object) =>
  parseOptions({ data: [data], vocabSize: 400, seqLen: 32, steps: 1, ...more });
const sharded = (name: string, wanted: TrainOptions) =>
  openSession(wanted, undefined, { memoryLimit: 0, shards: join(folder, name) });

function batchesOf({ train, tokenizer }: Session, wanted: TrainOptions) {
  const { train: corruption } = createObjective(wanted, tokenizer);
  const batches = new TrainingBatches(train, corruption, wanted);
  return [1, 2, batches.stepsPerEpoch + 1].map((step) => batches.of(step, 0.5));
}

describe('a corpus in shards', () => {
  test.each([
    { tokenizer: 'wordpiece' },
    { tokenizer: 'bpe', batching: 'padded', seed: 3 },
    { tokenizer: 'char', validation: 0.3 },
    { tokenizer: 'bytes', documents: 'line' },
  ])('%o: the same rows, splits, masks and batches as in memory', async (more) => {
    const wanted = options(more);
    const memory = await openSession(wanted);
    const disk = await sharded('same', wanted);
    expect(disk.tokenizer.toJSON()).toEqual(memory.tokenizer.toJSON());
    expect([disk.documents, disk.repeats]).toEqual([memory.documents, memory.repeats]);
    for (const part of ['train', 'validation'] as const) {
      const [rows, expected] = [disk[part], memory[part]];
      expect([rows.size, rows.tokens]).toEqual([expected.size, expected.tokens]);
      for (let i = 0; i < rows.size; i++) expect(rows.row(i)).toEqual(expected.row(i));
    }
    expect(batchesOf(disk, wanted)).toEqual(batchesOf(memory, wanted));
  });

  test('repeated documents are counted, and those on both sides of the split', async () => {
    const { repeats, documents } = await sharded('same', options({ tokenizer: 'wordpiece' }));
    expect(documents).toBe(texts.length + 3);
    expect(repeats?.duplicates).toBe(3);
    const split = await sharded('half', options({ tokenizer: 'bytes', validation: 0.5, seed: 1 }));
    expect(split.repeats?.duplicates).toBe(3);
    expect(split.repeats?.overlap).toBeGreaterThan(0);
    expect((await sharded('same', options({ tokenizer: 'char' }))).repeats).toBeUndefined();
  });

  test('a second start tokenises nothing; another content, option or tokenizer does', async () => {
    const seen: string[] = [];
    const open = async (more: object) => {
      seen.length = 0;
      const progress = (_: number, what: string) => seen.push(what);
      await openSession(options(more), undefined, {
        memoryLimit: 0,
        shards: join(folder, 'again'),
        progress,
      });
      return [...new Set(seen)];
    };
    const all = ['Reading', 'Counting documents', 'Learning the vocabulary', 'Tokenising'];
    expect(await open({})).toEqual(all);
    expect(await open({ seqLen: 64 })).toEqual(['Reading']);
    expect(await open({ seed: 1 })).toEqual(all);
    expect(await open({ documents: 'line' })).toEqual(all);
    const path = join(data, 'c.txt');
    await writeFile(path, 'more');
    expect(await open({})).toEqual(all);
    await writeFile(path, 'else');
    expect(await open({})).toEqual(all);
    await rm(path);
    expect(await open({})).toEqual(['Reading']);
  });

  test('all of it is scored as from memory', async () => {
    const wanted = options({});
    const { tokenizer } = await openSession(wanted);
    const memory = await openWholeText(wanted, tokenizer);
    const disk = await openWholeText(wanted, tokenizer, { memoryLimit: 0, shards: join(folder, 'whole') });
    expect(disk.validation.size).toBe(memory.validation.size);
    expect(disk.validation.row(7)).toEqual(memory.validation.row(7));
  });

  test('too little text is an error that names a remedy', async () => {
    const path = join(folder, 'one.txt');
    await writeFile(path, 'only one');
    await expect(sharded('one', options({ data: [path] }))).rejects.toThrow(
      'cannot be split into a train and',
    );
  });
});

describe('a folder of shards', () => {
  async function* documents() {
    yield ['ab', 'c'];
    yield ['defg'];
  }

  test('is there when it is whole, and not when a file is cut off', async () => {
    const root = join(folder, 'whole-or-not');
    const store = folderShards(root);
    const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: [] });
    expect(await openShards(store, 'x')).toBeUndefined();
    await writeShards(store, 'x', documents(), tokenizer);
    const tokens = await openShards(store, 'x');
    expect([...(tokens?.lengths ?? [])]).toEqual([2, 1, 4]);
    expect(tokenizer.decode(tokens?.read(1, 5) ?? [])).toBe('bcde');
    for (const name of ['tokens-0.bin', 'lengths.bin', 'hashes.bin', 'index.json']) {
      await writeShards(store, 'x', documents(), tokenizer);
      const path = join(root, 'x', name);
      if (name === 'index.json') await rm(path);
      else await truncate(path, (await stat(path)).size - 1);
      expect(await openShards(store, 'x')).toBeUndefined();
    }
  });

  test('nothing is left of one that an error ended, and what was there stays', async () => {
    const root = join(folder, 'failed');
    const store = folderShards(root);
    const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: [] });
    await writeShards(store, 'x', documents(), tokenizer);
    async function* failing() {
      yield ['zzz'];
      throw new Error('no more');
    }
    await expect(writeShards(store, 'x', failing(), tokenizer)).rejects.toThrow('no more');
    expect(await readdir(root)).toEqual(['x']);
    expect((await openShards(store, 'x'))?.lengths.length).toBe(3);
  });

  test('a killed tokenisation is never taken for whole, and the next one starts cleanly', async () => {
    const root = join(folder, 'killed');
    const script = `
      const { folderShards } = await import('./dist/src/mlm/data/shards.node.js');
      const { writeShards } = await import('./dist/src/mlm/data/shards.js');
      const { trainTokenizer } = await import('./dist/src/mlm/tokenizer/index.js');
      const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: [] });
      async function* endless() { for (;;) yield Array(1000).fill('some text for a shard'); }
      await writeShards(folderShards(${JSON.stringify(root)}), 'x', endless(), tokenizer);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const begun = async () =>
      (await readdir(root).catch(() => [])).length > 0 &&
      (await readdir(join(root, (await readdir(root))[0]))).includes('tokens-0.bin');
    while (!(await begun())) {
      expect(child.exitCode).toBeNull();
      await sleep(10);
    }
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const store = folderShards(root);
    expect(await readdir(root)).toEqual([expect.stringMatching(/^x\.cloze-tmp-\d+$/)]);
    expect(await openShards(store, 'x')).toBeUndefined();
    const tokenizer = await trainTokenizer({ kind: 'bytes', corpus: [] });
    await writeShards(store, 'x', documents(), tokenizer);
    expect(await readdir(root)).toEqual(['x']);
    expect((await openShards(store, 'x'))?.lengths.length).toBe(3);
  });
});
