/** The routes over HTTP: what is refused and how, what is measured, and what waits for the GPU. */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ClozeError } from '../gpu/errors.ts';
import { BatchQueue, BusyError } from './batchQueue.ts';
import { Metrics } from './metrics.ts';
import { RequestError, type Route, type TextJob } from './routes.ts';

export interface AppOptions {
  /** What is served, for `/health`. */
  model: string;
  routes: readonly Route[];
  /** Most texts that share a pass through the model. */
  maxBatch: number;
  /** Most texts that wait. */
  maxWaiting: number;
  /** Most bytes of a body. */
  maxBody: number;
  /** Seconds in which a request is answered. */
  timeout: number;
  /** Is told of what no request is to blame for. */
  onFault(error: unknown): void;
}

export interface App {
  fetch: (request: Request) => Response | Promise<Response>;
  /** From now on requests are told that the server stops. */
  stopping: boolean;
  /** Resolves when all work is done. */
  drained(): Promise<void>;
}

/** Seconds after which a client that was turned away may come again. */
const retryAfter = '1';

/** What proxies write for a client that left before its answer. */
const clientLeft = 499;

export function createApp(options: AppOptions): App {
  const { model, routes, maxBatch, maxWaiting, maxBody, timeout, onFault } = options;
  const metrics = new Metrics();
  const requests = metrics.counter('cloze_requests_total', 'Requests by route and status.');
  const seconds = metrics.histogram(
    'cloze_request_seconds',
    'Seconds until a request was answered.',
    buckets,
  );
  const sizes = metrics.histogram('cloze_batch_texts', 'Texts of a pass through the model.', batchBuckets);
  const batchSeconds = metrics.histogram(
    'cloze_batch_seconds',
    'Seconds of a pass through the model.',
    buckets,
  );
  const byName = new Map(routes.map((route) => [route.name, route]));
  const queue = new BatchQueue<TextJob, unknown>({
    run: async (jobs) => (await byName.get(jobs[0].kind)?.answer(jobs)) ?? [],
    maxBatch,
    capacity: maxWaiting,
    onBatch: (batch) => {
      sizes.observe({ route: batch.kind }, batch.size);
      batchSeconds.observe({ route: batch.kind }, batch.seconds);
    },
  });
  metrics.gauge('cloze_waiting_texts', 'Texts that wait for the model.', () => queue.length);

  const app = new Hono();
  const state = { stopping: false };
  const known = ['GET /health', 'GET /metrics', ...routes.map(({ name }) => `POST /v1/${name}`)];

  app.use(async (c, next) => {
    const began = performance.now();
    await next();
    const route = known.find((one) => one.endsWith(` ${c.req.path}`))?.split(' ')[1] ?? 'other';
    requests.add({ route, status: c.res.status });
    seconds.observe({ route }, (performance.now() - began) / 1000);
    if (state.stopping) c.res.headers.set('Connection', 'close');
  });
  app.use(
    bodyLimit({ maxSize: maxBody, onError: (c) => fault(c, 413, `a body has at most ${maxBody} bytes`) }),
  );

  app.get('/health', (c) =>
    c.json({ status: state.stopping ? 'stopping' : 'ok', model, routes: known }, state.stopping ? 503 : 200),
  );
  app.get('/metrics', (c) => c.text(metrics.text, 200, { 'Content-Type': 'text/plain; version=0.0.4' }));
  for (const route of routes) {
    app.post(`/v1/${route.name}`, async (c) => {
      const gone = c.req.raw.signal;
      const late = AbortSignal.timeout(1000 * timeout);
      try {
        const jobs = route.read(await readJson(c));
        return c.json({ results: await queue.submit(jobs, AbortSignal.any([gone, late])) });
      } catch (error) {
        if (gone.aborted) return new Response(null, { status: clientLeft });
        if (late.aborted) return busy(c, `there was no answer within ${timeout} s`);
        if (error instanceof BusyError) return busy(c, error.message);
        throw error;
      }
    });
  }
  for (const one of known) {
    const [method, path] = one.split(' ');
    app.all(path, (c) => fault(c, 405, `${path} takes ${method}`, { Allow: method }));
  }
  app.notFound((c) => fault(c, 404, `there is no ${c.req.path}. Known: ${known.join(', ')}`));
  app.onError((error, c) => {
    if (error instanceof RequestError) return fault(c, 400, error.message, {}, error.field);
    if (error instanceof MediaError) return fault(c, 415, error.message);
    onFault(error);
    return fault(c, 500, error instanceof ClozeError ? error.message : 'something went wrong here');
  });

  return {
    fetch: (request) => app.fetch(request),
    get stopping() {
      return state.stopping;
    },
    set stopping(value) {
      state.stopping = value;
    },
    drained: () => queue.drained(),
  };
}

const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const batchBuckets = [1, 2, 4, 8, 16, 32, 64];

class MediaError extends Error {}

/** The body. Only as application/json, which no foreign web page can send without asking first. */
async function readJson(c: Context): Promise<unknown> {
  const [media] = (c.req.header('Content-Type') ?? '').split(';');
  if (media.trim().toLowerCase() !== 'application/json') {
    throw new MediaError('the body must be JSON: send Content-Type: application/json');
  }
  try {
    return await c.req.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw new RequestError('the body', `it is not JSON: ${error.message}`);
    throw error;
  }
}

function fault(
  c: Context,
  status: 400 | 404 | 405 | 413 | 415 | 500 | 503,
  message: string,
  headers: Record<string, string> = {},
  field?: string,
): Response {
  return c.json({ error: { message, ...(field !== undefined && { field }) } }, status, headers);
}

function busy(c: Context, message: string): Response {
  return fault(c, 503, `${message}. Try again later`, { 'Retry-After': retryAfter });
}
