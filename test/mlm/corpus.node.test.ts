import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCorpus } from '../../src/mlm/corpus.node.ts';

let folder: string;
let server: Server;
let address: string;
const hits = new Map<string, number>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-corpus-'));
  await mkdir(join(folder, 'texts', 'deep'), { recursive: true });
  await mkdir(join(folder, 'none'));
  await writeFile(join(folder, 'texts', 'b.txt'), 'two\n\nthree');
  await writeFile(join(folder, 'texts', 'a.text'), 'one');
  await writeFile(join(folder, 'texts', 'deep', 'c.text'), 'four');
  await writeFile(join(folder, 'texts', 'skipped.csv'), 'no');
  await writeFile(join(folder, 'odd [1].txt'), 'odd');
  await writeFile(join(folder, 'empty.txt'), ' \n\n ');
  await writeFile(join(folder, 'binary.txt'), Uint8Array.of(1, 0, 2));
  await writeFile(join(folder, 'latin.txt'), Uint8Array.of(0x63, 0xe9, 0x0a));

  server = createServer((request, response) => {
    const url = request.url ?? '';
    hits.set(url, (hits.get(url) ?? 0) + 1);
    if (url === '/shaky' && hits.get(url) === 1) response.writeHead(503).end();
    else if (url === '/missing') response.writeHead(404).end('no such page');
    else if (url === '/hangup') request.socket.destroy();
    else response.end('from afar\n\nand back');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const documents = async (...sources: string[]) => (await readCorpus(sources)).documents;

describe('readCorpus', () => {
  test('a file, a folder at any depth, a pattern, several of them', async () => {
    const texts = join(folder, 'texts');
    expect(await documents(join(texts, 'b.txt'))).toEqual(['two', 'three']);
    expect(await documents(texts)).toEqual(['one', 'two', 'three', 'four']);
    expect(await documents(`${folder}/texts/*.{text,csv}`)).toEqual(['one', 'no']);
    expect(await documents(join(texts, 'a.text'), join(folder, 'odd [1].txt'))).toEqual(['one', 'odd']);
    expect((await readCorpus(join(texts, 'b.txt'), { documents: 'file' })).documents).toEqual([
      'two\n\nthree',
    ]);
  });

  test('a URL, with a second attempt when the server stumbles', async () => {
    expect(await documents(`${address}/text`)).toEqual(['from afar', 'and back']);
    expect(await documents(`${address}/shaky`)).toEqual(['from afar', 'and back']);
    expect(hits.get('/shaky')).toBe(2);
  });

  test('a built-in corpus by its name, alone', async () => {
    expect((await readCorpus('stories', { count: 4 })).documents).toHaveLength(4);
    await expect(readCorpus(['stories', folder])).rejects.toThrow('stories cannot be mixed with other data');
  });

  test.each([
    [
      'nowhere.txt',
      'input',
      /no file or folder .*nowhere.txt. Give a path, a glob pattern, a URL, or stories/,
    ],
    ['*.xyz', 'input', /No file matches .*\*\.xyz\. Check the pattern/],
    ['none', 'input', /The folder .*none holds no \.txt or \.text file. Name the files/],
    ['empty.txt', 'input', /There is no text in .*empty.txt. Give/],
    ['binary.txt', 'input', /binary.txt is a binary file. Give plain text/],
    ['latin.txt', 'input', /latin.txt is not valid UTF-8. Convert it/],
  ])('%s is an error of one line with a remedy', async (source, code, message) => {
    const error = await readCorpus(join(folder, source)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ClozeError', code, message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain('\n');
  });

  test('a page that is not there is asked for once, a broken line three times', async () => {
    await expect(readCorpus(`${address}/missing`)).rejects.toThrow(
      '/missing cannot be downloaded: the server answered 404 Not Found. Check the address',
    );
    expect(hits.get('/missing')).toBe(1);
    await expect(readCorpus(`${address}/hangup`)).rejects.toThrow('cannot be downloaded after 3 attempts');
    expect(hits.get('/hangup')).toBe(3);
  });
});
