import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readCorpus } from '../../../src/mlm/data/corpus.node.ts';

let folder: string;
let server: Server;
let address: string;
const hits = new Map<string, number>();
/** Bytes that come in two halves; the line breaks between them. */
const long = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i}\n\n`).join(''));
const ranges: (string | undefined)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-corpus-'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
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
    else if (/^\/(half|anew|never|changed)$/.test(url)) breakOff(request, response, url);
    else if (url === '/kept.txt') {
      const same = request.headers['if-none-match'] === '"one"';
      response.writeHead(same ? 304 : 200, { etag: '"one"' }).end(same ? undefined : 'kept');
    } else response.end('from afar\n\nand back');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** `half` goes on from where it broke; `anew` cannot, and sends all again; `never` breaks each time; `changed` is another page then. */
function breakOff(request: IncomingMessage, response: ServerResponse, url: string): void {
  const first = hits.get(url) === 1;
  const etag = url === '/changed' && !first ? '"two"' : '"one"';
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (url === '/half') ranges.push(request.headers['if-range'] && request.headers.range);
  const start = url === '/half' ? from : 0;
  const status = start > 0 ? 206 : 200;
  response.writeHead(status, { etag, 'content-length': long.length - start });
  if (!first && url !== '/never') response.end(long.subarray(start));
  else
    response.write(long.subarray(0, long.length / 2), () => setTimeout(() => request.socket.destroy(), 20));
}

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
    ['none', 'input', /The folder .*none holds no \.txt, \.text, \.jsonl or \.parquet file. Name the files/],
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

  test('a line that breaks half-way goes on from there, or anew', async () => {
    const expected = long.toString().trim().split('\n\n');
    expect(await documents(`${address}/half`)).toEqual(expected);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
    expect(await documents(`${address}/anew`)).toEqual(expected);
    expect(hits.get('/anew')).toBe(2);
  });

  test('one that breaks at the same place each time, and a page that changes meanwhile, are one error', async () => {
    await expect(documents(`${address}/never`)).rejects.toThrow(
      /never cannot be downloaded after 3 attempts: .*; \d+ bytes had arrived. Check the address/,
    );
    await expect(documents(`${address}/changed`)).rejects.toThrow('it changed while it was read');
  });

  test('a page that has not changed is not sent again', async () => {
    expect(await documents(`${address}/kept.txt`)).toEqual(['kept']);
    expect(await documents(`${address}/kept.txt`)).toEqual(['kept']);
    expect(hits.get('/kept.txt')).toBe(2); // the second answer is a 304 without a body
  });
});
