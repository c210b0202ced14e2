/**
 * What batching is worth to a server: requests with texts of mixed lengths from many clients at once, answered in shared passes through the model
 * and one by one, beside a single client that waits for each answer. Clients and server share this process, and talk HTTP.
 */
import { Engine } from '../src/autograd/index.ts';
import type { Device } from '../src/gpu/index.ts';
import { Random } from '../src/kernels/random.ts';
import { BertForMaskedLM, presetConfig, stories, trainTokenizer } from '../src/mlm/index.ts';
import type { Pretrained } from '../src/mlm/pretrained.ts';
import { materialize } from '../src/nn/index.ts';
import { fillMaskRoute } from '../src/serve/routes.ts';
import { openServer } from '../src/serve/server.node.ts';
import { columns, digits } from './report.ts';

export interface ServeSizes {
  /** A preset. */
  model: string;
  vocab: number;
  /** Clients at once, each of which waits for its answer before it asks again. */
  clients: number;
  /** Requests of each measurement, over all clients. */
  requests: number;
  /** Most texts of a pass through the model. */
  maxBatch: number;
}

export interface ServeRow {
  clients: number;
  maxBatch: number;
  requests: number;
  /** Those that were not answered with 200. */
  errors: number;
  perSecond: number;
  /** Milliseconds until an answer was there. */
  p50: number;
  p99: number;
  /** Texts of a pass, in the mean. */
  meanBatch: number;
}

export interface ServeReport extends ServeSizes {
  adapter: string;
  /** Tokens of the texts, special ones included. */
  tokens: { least: number; median: number; most: number };
  rows: ServeRow[];
}

const seqLen = 128;

export async function measureServe(device: Device, sizes: ServeSizes): Promise<ServeReport> {
  const engine = new Engine(device);
  const { clients, requests, maxBatch } = sizes;
  const pretrained = await untrained(engine, sizes);
  const texts = mixedTexts(requests);
  const lengths = texts.map((text) => pretrained.tokenizer.encode(text).ids.length).sort((a, b) => a - b);
  // Every shape is compiled before a clock runs, by each measurement in small.
  const cases = [
    { clients: 1, maxBatch: 1 },
    { clients, maxBatch: 1 },
    { clients, maxBatch },
  ];
  for (const one of cases) await measureCase(pretrained, texts.slice(0, 2 * one.clients), one);
  const rows: ServeRow[] = [];
  for (const one of cases) rows.push(await measureCase(pretrained, texts, one));
  return {
    adapter: device.capabilities.name,
    ...sizes,
    tokens: { least: lengths[0], median: lengths[lengths.length >> 1], most: lengths[lengths.length - 1] },
    rows,
  };
}

/** Speed does not depend on what the weights are. */
async function untrained(engine: Engine, { model: preset, vocab }: ServeSizes): Promise<Pretrained> {
  const corpus = stories({ seed: 0, count: 2000 });
  const tokenizer = await trainTokenizer({ kind: 'wordpiece', corpus, vocabSize: vocab });
  const config = presetConfig(preset, { vocab_size: vocab, max_position_embeddings: seqLen });
  const model = new BertForMaskedLM(config);
  return { config, model, slab: materialize(model, engine), tokenizer };
}

/** Beginnings of stories, of 3 to 60 words, with a blank. */
function mixedTexts(count: number): string[] {
  const random = new Random(0);
  return stories({ seed: 1, count }).map((story) => {
    const words = story.split(' ').slice(0, 3 + random.below(58));
    words[random.below(words.length)] = '[MASK]';
    return words.join(' ');
  });
}

async function measureCase(
  pretrained: Pretrained,
  texts: readonly string[],
  { clients, maxBatch }: Pick<ServeSizes, 'clients' | 'maxBatch'>,
): Promise<ServeRow> {
  const server = await openServer({
    model: 'bench',
    routes: [fillMaskRoute(pretrained)],
    host: '127.0.0.1',
    port: 0,
    maxBatch,
    maxWaiting: clients,
    maxBody: 1 << 20,
    timeout: 600,
    sending: 60,
    onFault: (error) => {
      throw error;
    },
  });
  const times: number[] = [];
  let errors = 0;
  let next = 0;
  const client = async () => {
    while (next < texts.length) {
      const text = texts[next++];
      const began = performance.now();
      const response = await fetch(`${server.url}/v1/fill-mask`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ texts: [text] }),
      });
      await response.json();
      times.push(performance.now() - began);
      if (response.status !== 200) errors++;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const seconds = (performance.now() - began) / 1000;
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  await server.stop();
  const value = (name: string) =>
    Number(new RegExp(`^cloze_batch_texts_${name}\\{.*\\} (.+)$`, 'm').exec(metrics)?.[1]);
  times.sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)];
  return {
    clients,
    maxBatch,
    requests: texts.length,
    errors,
    perSecond: texts.length / seconds,
    p50: quantile(0.5),
    p99: quantile(0.99),
    meanBatch: value('sum') / value('count'),
  };
}

export function serveLines({ adapter, model, requests, tokens, rows }: ServeReport): string[] {
  const { least, median, most } = tokens;
  return [
    `${model} on ${adapter}: ${requests} requests with texts of ${least} to ${most} tokens, half of them up to ${median}`,
    '',
    ...columns(
      [
        ['clients', 'most in a pass', 'in the mean', 'requests/s', 'p50 ms', 'p99 ms', 'errors'],
        ...rows.map(({ clients, maxBatch, meanBatch, perSecond, p50, p99, errors }) => [
          ...[String(clients), String(maxBatch), meanBatch.toFixed(1)],
          ...[digits(perSecond), digits(p50), digits(p99), String(errors)],
        ]),
      ],
      0,
    ),
  ];
}
