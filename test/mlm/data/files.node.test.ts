import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Random } from '../../../src/kernels/random.ts';
import {
  cleanFolder,
  readFileBytes,
  readFileText,
  readFolder,
  writeFileAtomically,
  writeFolderAtomically,
} from '../../../src/mlm/data/files.node.ts';

const root = resolve(import.meta.dirname, '../../..');
const scratch = mkdtempSync(join(tmpdir(), 'cloze-files-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(scratch, `test-${count++}`);
  mkdirSync(folder);
});

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const codeIo = expect.objectContaining({ name: 'ClozeError', code: 'io' });

/** Several files that agree on a version: a mixture of two versions, or half of one, is found out. */
const PARTS = ['a', 'b', 'c'];
function versionOf(files: Record<string, Uint8Array> | undefined): number {
  if (!files) return 0;
  expect(Object.keys(files).sort()).toEqual(PARTS);
  const texts = PARTS.map((part) => text(files[part]));
  const [, version, fill] = /^(\d+) (x*)$/.exec(texts[0])!;
  expect(fill.length).toBe(50_000 + Number(version));
  expect(new Set(texts).size).toBe(1);
  return Number(version);
}

/** A child process that writes versions `first`, … to `folder/last` and prints each number when it is written. */
const WRITER = `
import fs, { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const [folder, first, last, killAt] = process.argv.slice(2).map((a, i) => (i === 0 ? a : Number(a)));
let calls = 0;
if (killAt > 0) {
  for (const name of ['mkdir', 'open', 'readdir', 'rename', 'rm', 'stat']) {
    const real = fs.promises[name];
    fs.promises[name] = (...args) => {
      if (++calls === killAt) process.kill(process.pid, 'SIGKILL');
      return real(...args);
    };
  }
  syncBuiltinESMExports();
}
const { cleanFolder, writeFolderAtomically } = await import('./mlm/data/files.node.js');
await cleanFolder(folder);
for (let version = first; version <= last; version++) {
  const part = version + ' ' + 'x'.repeat(50_000 + version);
  await writeFolderAtomically(folder + '/last', { a: part, b: part, c: part });
  fs.writeSync(1, version + '\\n');
}
`;

let writer = '';
beforeAll(() => {
  const out = join(scratch, 'build');
  const options = [
    '--ignoreConfig',
    '--outDir',
    out,
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--types',
    'node',
  ];
  const compiler = [join(root, 'node_modules/typescript/bin/tsc'), 'src/mlm/data/files.node.ts'];
  execFileSync(
    process.execPath,
    [...compiler, ...options, '--rewriteRelativeImportExtensions', '--skipLibCheck'],
    { cwd: root },
  );
  writeFileSync(join(out, 'package.json'), '{"type":"module"}');
  writer = join(out, 'writer.js');
  writeFileSync(writer, WRITER);
});

describe('reading', () => {
  test('a missing file, a folder and a binary file are one line each', async () => {
    const missing = join(folder, 'missing.txt');
    await expect(readFileText(missing)).rejects.toThrow(codeIo);
    await expect(readFileText(missing)).rejects.toThrow(
      `Cannot read ${missing}: there is no such file. Check the path.`,
    );
    await expect(readFileBytes(folder)).rejects.toThrow(
      `Cannot read ${folder}: it is a folder. Name a file.`,
    );
    await expect(readFileBytes(join(process.execPath, 'x'))).rejects.toThrow(/a part of the path is a file/);
    writeFileSync(join(folder, 'binary'), Uint8Array.of(0xff, 0xfe));
    await expect(readFileText(join(folder, 'binary'))).rejects.toThrow(/binary is not UTF-8 text/);
    await expect(readFolder(join(process.execPath, 'x'))).rejects.toThrow(codeIo);
  });

  test.skipIf(process.platform === 'win32')('a file without permission', async () => {
    const path = join(folder, 'secret');
    writeFileSync(path, 'x');
    chmodSync(path, 0);
    const root = process.getuid!() === 0;
    if (root) process.seteuid!(65534);
    try {
      await expect(readFileText(path)).rejects.toThrow(codeIo);
      await expect(readFileText(path)).rejects.toThrow(/permission denied/);
    } finally {
      if (root) process.seteuid!(0);
    }
  });

  test('bytes and text come back', async () => {
    await writeFileAtomically(join(folder, 'new/text'), 'é世');
    expect(await readFileText(join(folder, 'new/text'))).toBe('é世');
    await writeFileAtomically(join(folder, 'new/text'), Uint8Array.of(1, 2));
    expect(await readFileBytes(join(folder, 'new/text'))).toEqual(Uint8Array.of(1, 2));
    expect(readdirSync(join(folder, 'new'))).toEqual(['text']);
  });
});

describe('checkpoint folders', () => {
  const path = () => join(folder, 'last');

  test('are replaced as a whole and leave nothing beside them', async () => {
    expect(await readFolder(path())).toBeUndefined();
    await writeFolderAtomically(path(), { a: 'one', b: Uint8Array.of(1) });
    await writeFolderAtomically(path(), { c: 'two' });
    const files = (await readFolder(path()))!;
    expect(Object.keys(files)).toEqual(['c']);
    expect(text(files.c)).toBe('two');
    expect(readdirSync(folder)).toEqual(['last']);
  });

  test('one that stepped aside is read, then put back', async () => {
    await writeFolderAtomically(`${path()}.cloze-old`, { a: 'old' });
    expect(text((await readFolder(path()))!.a)).toBe('old');
    await cleanFolder(folder);
    expect(readdirSync(folder)).toEqual(['last']);
    expect(text((await readFolder(path()))!.a)).toBe('old');
  });

  test('cleaning spares the temporary files of living processes and files of other names', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const spared = [`a.cloze-tmp-${process.ppid}`, 'notes.old', 'x.tmp'];
    for (const name of [...spared, `a.cloze-tmp-${dead}`, `b.cloze-tmp-${process.pid}`]) {
      writeFileSync(join(folder, name), '');
    }
    await cleanFolder(folder);
    expect(readdirSync(folder).sort()).toEqual(spared.sort());
    await cleanFolder(join(folder, 'missing'));
  });

  test('survive a kill before each single call to the file system', { timeout: 60_000 }, async () => {
    let killAt = 0;
    let signal: string | null = 'SIGKILL';
    while (signal) {
      killAt++;
      rmSync(folder, { recursive: true });
      await writeFolderAtomically(
        path(),
        Object.fromEntries(PARTS.map((p) => [p, `1 ${'x'.repeat(50_001)}`])),
      );
      const child = spawnSync(process.execPath, [writer, folder, '2', '2', String(killAt)], {
        encoding: 'utf8',
      });
      signal = child.signal;
      expect(child.stderr).toBe('');
      expect(versionOf(await readFolder(path()))).toBeGreaterThanOrEqual(child.stdout.includes('2') ? 2 : 1);
      await cleanFolder(folder);
      expect(readdirSync(folder)).toEqual(['last']);
      versionOf(await readFolder(path()));
    }
    expect(versionOf(await readFolder(path()))).toBe(2);
    expect(killAt).toBeGreaterThan(15);
  });

  test('survive kills at random moments, and readers at any', { timeout: 60_000 }, async () => {
    const random = new Random(0);
    let version = 0;
    let kills = 0;
    while (kills < 8) {
      const child = spawn(process.execPath, [writer, folder, String(version + 1), '1000000', '0']);
      const exit = once(child, 'exit');
      let printed = '';
      child.stdout.on('data', (chunk) => {
        printed += chunk;
      });
      await once(child.stdout, 'data');
      const until = performance.now() + 5 + random.below(60);
      while (performance.now() < until) {
        const seen = versionOf(await readFolder(path()));
        expect(seen).toBeGreaterThan(version);
        await sleep(1);
      }
      child.kill('SIGKILL');
      await exit;
      kills++;
      const acknowledged = Number(printed.trim().split('\n').at(-1));
      expect(acknowledged).toBeGreaterThan(version);
      version = versionOf(await readFolder(path()));
      expect(version).toBeGreaterThanOrEqual(acknowledged);
    }
    await cleanFolder(folder);
    expect(readdirSync(folder)).toEqual(['last']);
  });
});

describe('a full disk', () => {
  let disk = '';
  let reason = '';
  beforeAll(() => {
    disk = join(scratch, 'disk');
    mkdirSync(disk);
    if (process.platform !== 'linux' || process.getuid?.() !== 0)
      reason = 'a small disk needs Linux and root';
    else if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status !== 0) {
      reason = 'this container may not mount';
    }
    if (reason) console.warn(`Skipped: a full disk, because ${reason}`);
  });
  afterAll(() => {
    if (!reason) execFileSync('umount', [disk]);
  });

  test('keeps the old checkpoint and file, and says what was needed', async ({ skip }) => {
    if (reason) skip(reason);
    const path = join(disk, 'last');
    await writeFolderAtomically(path, { weights: new Uint8Array(300_000).fill(7) });
    await writeFileAtomically(join(disk, 'notes'), 'kept');

    const large = writeFolderAtomically(path, { small: 'x', weights: new Uint8Array(900_000) });
    await expect(large).rejects.toThrow(codeIo);
    await expect(large).rejects.toThrow(
      `Cannot write ${path}: the disk is full, 900001 bytes were needed; what stood there before is kept. ` +
        'Free some space or choose another path.',
    );
    await expect(writeFileAtomically(join(disk, 'notes'), new Uint8Array(900_000))).rejects.toThrow(
      /disk is full/,
    );

    expect(readdirSync(disk).sort()).toEqual(['last', 'notes']);
    expect(readFileSync(join(disk, 'notes'), 'utf8')).toBe('kept');
    expect(Buffer.compare((await readFolder(path))!.weights, Buffer.alloc(300_000, 7))).toBe(0);
    await writeFolderAtomically(path, { weights: new Uint8Array(400_000) });
    expect(existsSync(join(path, 'small'))).toBe(false);
  });
});
