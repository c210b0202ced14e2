/** The server with a model: many clients at once get what each would get alone. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Engine } from '../../src/autograd/index.ts';
import { type Embedder, embed } from '../../src/mlm/embed.ts';
import { type FillMaskPrediction, fillMask } from '../../src/mlm/fillMask.ts';
import type { Pretrained } from '../../src/mlm/pretrained.ts';
import { embedRoute, fillMaskRoute } from '../../src/serve/routes.ts';
import { openServer, type RunningServer } from '../../src/serve/server.node.ts';
import { smallCorpus, smallModel } from '../mlm/smallModel.ts';

let engine: Engine;
let model: Pretrained;
let embedder: Embedder;
let server: RunningServer;

beforeAll(async () => {
  engine = await Engine.open();
  model = await smallModel(engine);
  embedder = { ...model, engine };
  const routes = [fillMaskRoute(model), embedRoute(embedder)];
  const limits = { maxBatch: 8, maxWaiting: 200, maxBody: 1 << 16, timeout: 60, sending: 10 };
  const onFault = (error: unknown) => {
    throw error;
  };
  server = await openServer({ ...limits, model: 'small', routes, host: '127.0.0.1', port: 0, onFault });
});
afterAll(async () => {
  await server.stop();
  engine.close();
});

const post = async (name: string, body: object) => {
  const response = await fetch(`${server.url}/v1/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as Record<string, never>) } as {
    status: number;
    results: never[];
    error: { message: string; field: string };
  };
};

/** A text of so many words, with a blank at a place. */
function textOf(length: number, blank?: number): string {
  const words = smallCorpus.split(' ');
  return Array.from({ length }, (_, i) =>
    i === blank ? '[MASK]' : words[(7 * i + length) % words.length],
  ).join(' ');
}

test('64 clients with texts of mixed lengths get what fillMask says of each alone', async () => {
  const texts = Array.from({ length: 64 }, (_, i) => textOf(1 + ((i * 11) % 36), i % (1 + ((i * 11) % 36))));
  const answers = await Promise.all(texts.map((text) => post('fill-mask', { texts: [text], top_k: 3 })));
  for (const [i, { status, results }] of answers.entries()) {
    expect(status).toBe(200);
    const alone = await fillMask(model, texts[i], { topK: model.tokenizer.vocabSize });
    const [blanks] = results as FillMaskPrediction[][][];
    expect(blanks).toHaveLength(alone.length);
    blanks.forEach((predictions, b) => {
      expect(predictions).toHaveLength(3);
      for (const { token, score, token_str, sequence } of predictions) {
        const same = alone[b].find((one) => one.token === token)!;
        expect(Math.abs(score - same.score)).toBeLessThan(1e-5);
        expect({ token_str, sequence }).toEqual({ token_str: same.token_str, sequence: same.sequence });
      }
    });
  }
});

test('several texts and kinds of requests at once are embedded as each is alone', async () => {
  const texts = [textOf(3), textOf(30), textOf(9)];
  const [{ results }] = await Promise.all([
    post('embed', { texts }),
    post('fill-mask', { texts: ['the [MASK]'] }),
    post('embed', { texts: ['the'] }),
  ]);
  for (const [i, text] of texts.entries()) {
    const [alone] = await embed(embedder, [text]);
    (results[i] as number[]).forEach((value, c) => {
      expect(Math.abs(value - alone[c])).toBeLessThan(1e-5);
    });
  }
});

describe('a request that the model cannot answer names the field at fault', () => {
  test.each([
    ['fill-mask', { texts: ['the [MASK]', 'the cat'] }, 'texts.1', /there is no \[MASK\] in "the cat"/],
    ['fill-mask', { texts: [textOf(60, 3)] }, 'texts.0', /the text has \d+ tokens.* at most 40/],
    ['fill-mask', { texts: [] }, 'texts', /length/],
    ['fill-mask', { texts: [3] }, 'texts.0', /string/],
    ['fill-mask', { texts: new Array(65).fill('[MASK]') }, 'texts', /length/],
    ['fill-mask', { texts: ['[MASK]'], top_k: 0 }, 'top_k', />=1/],
    ['fill-mask', { texts: ['[MASK]'], topK: 3 }, 'topK', /never/],
    ['fill-mask', [], 'texts', /./],
    ['embed', { texts: [textOf(60)] }, 'texts.0', /the text has \d+ tokens.* at most 40/],
  ])('%s %j', async (name, body, field, message) => {
    const { status, error } = await post(name, body);
    expect(status).toBe(400);
    expect(error.field).toBe(field);
    expect(error.message).toMatch(message);
  });

  test('a long text is embedded as far as it is read when asked so', async () => {
    const { status, results } = await post('embed', { texts: [textOf(60)], truncate: true });
    expect(status).toBe(200);
    const [cut] = await embed(embedder, [textOf(60)], { truncate: true });
    expect(results[0]).toEqual([...cut]);
  });
});
