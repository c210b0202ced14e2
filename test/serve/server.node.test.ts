/** The server with routes that answer when they are told to: what clients may do to it, and to one another. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { RequestError, type Route, type TextJob } from '../../src/serve/routes.ts';
import { openServer, type RunningServer, type ServerOptions } from '../../src/serve/server.node.ts';

let server: RunningServer | undefined;
afterEach(async () => {
  release();
  await server?.stop();
  server = undefined;
});

let held: (() => void)[] = [];
/** Lets all batches end that wait. */
function release(): void {
  for (const go of held) go();
  held = [];
}

/** Answers in capitals; texts with `wait` hold their batch until `release`. */
const echo: Route = {
  name: 'echo',
  read(body) {
    const { texts } = body as { texts?: unknown };
    if (!Array.isArray(texts)) throw new RequestError('texts', 'it is missing');
    return texts.map((work, i) => {
      if (work === 'wrong') throw new RequestError(`texts.${i}`, 'it is wrong');
      return { kind: 'echo', length: String(work).length, work };
    });
  },
  async answer(jobs: readonly TextJob[]) {
    const texts = jobs.map(({ work }) => String(work));
    if (texts.includes('crash')) throw new Error('a secret');
    if (texts.some((text) => text.startsWith('wait'))) await new Promise<void>((go) => held.push(go));
    return texts.map((text) => text.toUpperCase());
  },
  warmUp: async () => {},
};

const faults: unknown[] = [];

async function open(options: Partial<ServerOptions> = {}): Promise<string> {
  faults.length = 0;
  server = await openServer({
    model: 'echo',
    routes: [echo],
    host: '127.0.0.1',
    port: 0,
    maxBatch: 8,
    maxWaiting: 16,
    maxBody: 1000,
    timeout: 5,
    sending: 5,
    onFault: (error) => faults.push(error),
    ...options,
  });
  return server.url;
}

const post = (url: string, body: unknown, init: RequestInit = {}) =>
  fetch(`${url}/v1/echo`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });

const isFine = async (url: string) => {
  const response = await post(url, { texts: ['fine'] });
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ results: ['FINE'] });
};

const metric = async (url: string, name: string) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1] ?? Number.NaN,
  );
};

const until = async (happened: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 200 && !(await happened()); i++)
    await new Promise((resolve) => setTimeout(resolve, 10));
};

describe('a request that cannot be answered is refused, and says why', () => {
  test.each([
    ['no JSON', '{"texts": [', {}, 400, 'the body'],
    ['no texts', {}, {}, 400, 'texts'],
    ['a wrong text', { texts: ['right', 'wrong'] }, {}, 400, 'texts.1'],
    ['another media type', '{}', { headers: { 'Content-Type': 'text/plain' } }, 415, undefined],
    ['a large body', { texts: ['x'.repeat(2000)] }, {}, 413, undefined],
    ['another method', undefined, { method: 'GET', body: undefined }, 405, undefined],
  ])('%s', async (_, body, init, status, field) => {
    const url = await open();
    const response = await post(url, body, init as RequestInit);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: { message: string; field?: string } };
    expect(error.field).toBe(field);
    expect(error.message.length).toBeGreaterThan(10);
    if (status === 405) expect(response.headers.get('Allow')).toBe('POST');
    await isFine(url);
  });

  test('a large body that does not tell its length', async () => {
    const url = await open();
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(100));
        controller.close();
      },
    });
    const response = await post(url, '', { body: chunks, duplex: 'half' } as RequestInit);
    expect(response.status).toBe(413);
    await isFine(url);
  });

  test('an unknown path names those that there are', async () => {
    const url = await open();
    const response = await fetch(`${url}/v2/echo`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('POST /v1/echo');
  });

  test('what goes wrong inside is told to the server alone', async () => {
    const url = await open();
    const response = await post(url, { texts: ['crash'] });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(String(faults[0])).toContain('a secret');
    await isFine(url);
  });
});

describe('under load', () => {
  test('what arrives while a batch runs is answered by the next, and counted', async () => {
    const url = await open();
    const first = post(url, { texts: ['wait'] });
    await until(() => held.length === 1);
    const others = Array.from({ length: 6 }, (_, i) => post(url, { texts: [`text ${i}`] }));
    await until(async () => (await metric(url, 'cloze_waiting_texts')) === 6);
    release();
    for (const [i, response] of (await Promise.all(others)).entries()) {
      expect(await response.json()).toEqual({ results: [`TEXT ${i}`] });
    }
    expect((await first).status).toBe(200);
    expect(await metric(url, 'cloze_batch_texts_count{route="echo"}')).toBe(2);
    expect(await metric(url, 'cloze_batch_texts_sum{route="echo"}')).toBe(7);
    expect(await metric(url, 'cloze_requests_total{route="/v1/echo",status="200"}')).toBe(7);
  });

  test('a full queue turns requests away, and those that wait are answered', async () => {
    const url = await open({ maxWaiting: 2 });
    const first = post(url, { texts: ['wait'] });
    await until(() => held.length === 1);
    const second = post(url, { texts: ['a', 'b'] });
    await until(async () => (await metric(url, 'cloze_waiting_texts')) === 2);
    const third = await post(url, { texts: ['c'] });
    expect(third.status).toBe(503);
    expect(third.headers.get('Retry-After')).toBe('1');
    release();
    expect(await (await second).json()).toEqual({ results: ['A', 'B'] });
    expect((await first).status).toBe(200);
  });

  test('a request that takes too long is given up', async () => {
    const url = await open({ timeout: 0.2 });
    const response = await post(url, { texts: ['wait'] });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('within 0.2 s');
    release();
    await isFine(url);
  });

  test('a client that leaves is forgotten, and harms no other', async () => {
    const url = await open();
    const first = post(url, { texts: ['wait'] });
    await until(() => held.length === 1);
    const gone = new AbortController();
    const left = post(url, { texts: ['x', 'y'] }, { signal: gone.signal }).catch(() => 'left');
    const stays = post(url, { texts: ['z'] });
    await until(async () => (await metric(url, 'cloze_waiting_texts')) === 3);
    gone.abort();
    expect(await left).toBe('left');
    await until(async () => (await metric(url, 'cloze_waiting_texts')) === 1);
    expect(await metric(url, 'cloze_waiting_texts')).toBe(1);
    release();
    expect(await (await stays).json()).toEqual({ results: ['Z'] });
    expect((await first).status).toBe(200);
    await until(async () => (await metric(url, 'cloze_requests_total{route="/v1/echo",status="499"}')) === 1);
    expect(await metric(url, 'cloze_requests_total{route="/v1/echo",status="499"}')).toBe(1);
  });

  test.each([
    ['head', 'POST /v1/echo HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    [
      'body',
      'POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
    ],
  ])('clients that trickle their %s are cut off, and others answered meanwhile', async (_, start) => {
    const url = await open({ sending: 0.4 });
    const port = Number(new URL(url).port);
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    const closed = sockets.map((socket) =>
      once(
        socket.on('error', () => {}),
        'close',
      ),
    );
    const answers: string[] = [];
    const trickle = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write('a');
    }, 50);
    for (const socket of sockets) {
      socket.on('data', (data) => answers.push(data.toString().split('\r\n')[0]));
      socket.write(start);
    }
    await isFine(url);
    await Promise.all(closed);
    clearInterval(trickle);
    expect(answers.length).toBeGreaterThan(0);
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']));
    await isFine(url);
  });
});

describe('the end', () => {
  test('requests that are there are answered, and no others', async () => {
    const url = await open();
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok', model: 'echo' });
    const first = post(url, { texts: ['wait'] });
    await until(() => held.length === 1);
    const second = post(url, { texts: ['waiting'] });
    await until(async () => (await metric(url, 'cloze_waiting_texts')) === 1);
    const stopped = server!.stop();
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    release();
    await until(() => held.length === 1);
    release();
    expect(await (await first).json()).toEqual({ results: ['WAIT'] });
    const last = await second;
    expect(last.headers.get('Connection')).toBe('close');
    expect(await last.json()).toEqual({ results: ['WAITING'] });
    await stopped;
    server = undefined;
  });

  test('a port that is in use is one clear line', async () => {
    const url = await open();
    const port = Number(new URL(url).port);
    const options = { model: '', routes: [], host: '127.0.0.1', port, maxBatch: 1, maxWaiting: 1 };
    await expect(
      openServer({ ...options, maxBody: 1, timeout: 1, sending: 1, onFault: () => {} }),
    ).rejects.toThrow(/cannot listen on 127\.0\.0\.1, port \d+: the port is in use\. Name another --port/);
  });
});
