/** Models of the hub, against a server on this machine that speaks the hub's routes. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openHubModel } from '../../../src/mlm/interchange/hub.node.ts';

const commit = 'c0ffee'.padEnd(40, '0');
const token = 'hf_secret';
const weights = Buffer.alloc(300_000, 'weights of a model ');

let server: Server;
let cache: string;
let requests: string[];
/** What goes wrong before it goes right: how often the server fails, and after how many bytes it hangs up once. */
let failures: number;
let breakAfter: number | undefined;
let corrupt: boolean;
let environment: Record<string, string>;

beforeEach(async () => {
  [requests, failures, breakAfter, corrupt] = [[], 0, undefined, false];
  cache = mkdtempSync(join(tmpdir(), 'cloze-hub-'));
  server = createServer((request, response) => {
    const url = decodeURIComponent(request.url!.split('?')[0]);
    const range = request.headers.range;
    requests.push(`${url}${range ? ` ${range}` : ''}`);
    if (failures > 0) {
      failures--;
      return void response.writeHead(503).end();
    }
    if (url.includes('secret-model') && request.headers.authorization !== `Bearer ${token}`) {
      return void response
        .writeHead(401, { 'Content-Type': 'application/json' })
        .end('{"error": "Invalid username"}');
    }
    const [, name, revision, file] =
      /^\/api\/models\/([\w/-]+)\/revision\/(.+)$/.exec(url) ??
      /^\/([\w-]+\/[\w-]+)\/resolve\/([^/]+)\/(.+)$/.exec(url) ??
      [];
    const known =
      /^(owner\/model|owner\/secret-model)$/.test(name ?? '') && ['main', 'v1', commit].includes(revision);
    if (!known) return void response.writeHead(404, { 'X-Error-Code': 'RepoNotFound' }).end();
    if (file === undefined) return describe(response, name);
    if (file === 'config.json') return send(response, Buffer.from('{"a": 1}'), range, '"0123"');
    if (file !== 'model.safetensors')
      return void response.writeHead(404, { 'X-Error-Code': 'EntryNotFound' }).end();
    send(response, weights, range, `"${createHash('sha256').update(weights).digest('hex')}"`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  environment = { HF_ENDPOINT: `http://127.0.0.1:${port}/`, HF_HUB_CACHE: cache };
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(cache, { recursive: true });
});

function describe(response: ServerResponse, name: string): void {
  const siblings = ['config.json', 'model.safetensors', 'flax_model.msgpack'].map((rfilename) => ({
    rfilename,
  }));
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(
    JSON.stringify({ _id: '1', id: name, sha: commit, siblings, lastModified: '2024-01-01', downloads: 0 }),
  );
}

function send(response: ServerResponse, all: Buffer, range: string | undefined, etag: string): void {
  const [, first = '0', last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  const [start, end] = [Number(first), last ? Number(last) + 1 : all.length];
  const body = Buffer.from(all.subarray(start, end));
  if (corrupt && body.length > 1) body[1] ^= 1;
  response.writeHead(range ? 206 : 200, {
    ETag: etag,
    'Content-Length': body.length,
    ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${all.length}` }),
  });
  if (breakAfter === undefined || body.length <= breakAfter) return void response.end(body);
  response.write(body.subarray(0, breakAfter), () => response.destroy());
  breakAfter = undefined;
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

test('files are fetched when they are read, and once', async () => {
  const read = await openHubModel('hf://owner/model', { environment });
  expect(requests).toEqual(['/api/models/owner/model/revision/main']);
  expect(text(await read('config.json'))).toBe('{"a": 1}');
  expect(await read('tokenizer.json')).toBeUndefined();
  expect(Buffer.compare((await read('model.safetensors'))!, weights)).toBe(0);
  expect(requests.some((request) => /flax|tokenizer/.test(request))).toBe(false);
  const asked = requests.length;
  const again = await openHubModel('hf://owner/model', { environment });
  expect(text(await again('config.json'))).toBe('{"a": 1}');
  expect(Buffer.compare((await again('model.safetensors'))!, weights)).toBe(0);
  expect(requests.length).toBe(asked + 1);
});

test('the cache has the form of huggingface_hub', async () => {
  const read = await openHubModel('hf://owner/model@v1', { environment });
  await read('config.json');
  expect(readFileSync(join(cache, 'models--owner--model/refs/v1'), 'utf8')).toBe(commit);
  expect(readdirSync(join(cache, 'models--owner--model/snapshots', commit))).toEqual(['config.json']);
  writeFileSync(join(cache, 'models--owner--model/snapshots', commit, 'config.json'), 'of Python');
  const offline = { ...environment, HF_HUB_OFFLINE: '1' };
  const asked = requests.length;
  expect(
    text(await (await openHubModel('hf://owner/model@v1', { environment: offline }))('config.json')),
  ).toBe('of Python');
  expect(requests.length).toBe(asked);
  await expect(openHubModel('hf://owner/other', { environment: offline })).rejects.toThrow(
    /owner\/other is not in the cache/,
  );
});

test('a server that fails is asked again, and a line that breaks goes on where it broke', async () => {
  failures = 2;
  const shares: number[] = [];
  const read = await openHubModel('hf://owner/model', {
    environment,
    progress: (share) => shares.push(share),
  });
  breakAfter = 100_000;
  expect(Buffer.compare((await read('model.safetensors'))!, weights)).toBe(0);
  expect(requests.filter((request) => /bytes=[1-9]\d*-299999$/.test(request))).toHaveLength(1);
  expect(shares.at(-1)).toBe(1);
});

test('what differs from its hash is not kept', async () => {
  corrupt = true;
  const read = await openHubModel('hf://owner/model', { environment });
  await expect(read('model.safetensors')).rejects.toThrow(/not what the hub has, by its hash/);
  corrupt = false;
  expect(Buffer.compare((await read('model.safetensors'))!, weights)).toBe(0);
  expect(readdirSync(join(cache, 'models--owner--model/snapshots', commit))).toEqual(['model.safetensors']);
});

test('without a line, what was fetched before is read', async () => {
  await (await openHubModel('hf://owner/model', { environment }))('config.json');
  const told: string[] = [];
  const gone = { ...environment, HF_ENDPOINT: 'http://127.0.0.1:9' };
  const read = await openHubModel('hf://owner/model', { environment: gone, tell: (line) => told.push(line) });
  expect(text(await read('config.json'))).toBe('{"a": 1}');
  expect(told.join()).toMatch(
    /cannot be fetched from http:\/\/127.0.0.1:9: .*; reading what was fetched before/,
  );
  await expect(openHubModel('hf://owner/secret-model', { environment: gone })).rejects.toThrow(
    /cannot be fetched.*HF_ENDPOINT/,
  );
});

test('a private model wants a token', async () => {
  const open = (HF_TOKEN: string) =>
    openHubModel('hf://owner/secret-model', { environment: { ...environment, HF_TOKEN } });
  await expect(open('')).rejects.toThrow(/private or gated, or does not exist.*set HF_TOKEN/);
  await expect(open('hf_other')).rejects.toThrow(/private or gated.*HF_TOKEN may read it/);
  await expect(open('other')).rejects.toThrow(/should begin with hf_/);
  expect(text(await (await open(token))('config.json'))).toBe('{"a": 1}');
});

test.each([
  ['hf://owner/nothing', /there is no model owner\/nothing at http.*revision main/],
  ['hf://owner/model@v9', /there is no model owner\/model at http.*revision v9/],
  ['hf://a/b/c', /names no model of the hub. Write hf:\/\/owner\/name/],
  ['hf://a/b@..', /names no model/],
])('%s is refused in one line', async (name, message) => {
  await expect(openHubModel(name, { environment })).rejects.toThrow(message);
});
