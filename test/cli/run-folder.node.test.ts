import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { checkFolder, clearRun, defaultFolder } from '../../src/cli/run-folder.ts';

const folders: string[] = [];
let out: string;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'cloze-run-'));
  folders.push(out);
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

test.each([
  [undefined, 'runs/stories'],
  [['synthetic:clock'], 'runs/synthetic-clock'],
  [['../data/shakespeare/'], 'runs/shakespeare'],
  [['a/my book.txt', 'b.txt'], 'runs/my-book'],
  [['books/**/*.txt'], 'runs/run'],
  [['https://example.org/texts/alice.txt?v=1'], 'runs/alice.txt-v-1'],
])('the default folder for %s is %s', (data, folder) => {
  expect(defaultFolder(data)).toBe(folder);
});

describe('a folder', () => {
  test('that is empty or missing is for a new run', async () => {
    expect(await checkFolder(out, {})).toBe(false);
    expect(await checkFolder(join(out, 'new'), {})).toBe(false);
  });

  test('with a run is neither overwritten nor resumed unasked', async () => {
    await writeFile(join(out, 'options.json'), '{}');
    await expect(checkFolder(out, {})).rejects.toThrow('--resume, replace it by --force');
    expect(await checkFolder(out, { force: true })).toBe(false);
  });

  test('is resumed when it has a checkpoint, else begun again', async () => {
    await writeFile(join(out, 'options.json'), '{}');
    expect(await checkFolder(out, { resume: true })).toBe(false);
    await mkdir(join(out, 'checkpoint'));
    expect(await checkFolder(out, { resume: true })).toBe(true);
  });

  test('with other things is left alone even with --force', async () => {
    await writeFile(join(out, 'thesis.txt'), 'years of work');
    await expect(checkFolder(out, { force: true })).rejects.toThrow('holds no run');
  });

  test('that is a file is told', async () => {
    await writeFile(join(out, 'file'), '');
    await expect(checkFolder(join(out, 'file'), {})).rejects.toThrow('a part of the path is a file');
  });
});

test('clearing a run removes its own files alone', async () => {
  for (const name of ['options.json', 'config.json', 'metrics.jsonl', 'notes.txt', 'model.safetensors']) {
    await writeFile(join(out, name), '');
  }
  for (const name of ['checkpoint', 'best', 'checkpoint.cloze-old']) await mkdir(join(out, name));
  await clearRun(out);
  expect(await readdir(out)).toEqual(['notes.txt']);
});
