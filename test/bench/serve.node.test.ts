import { expect, test } from 'vitest';
import { cloze } from '../cli/terminal.node.ts';

test('a server is measured with batches and without, and answers every request', async () => {
  const sizes = [
    '--model',
    'nano',
    '--vocab',
    '256',
    '--clients',
    '8',
    '--requests',
    '24',
    '--max-batch',
    '8',
  ];
  const { code, out, err } = await cloze(['bench', 'serve', ...sizes, '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { rows, tokens } = JSON.parse(out);
  expect(rows.map(({ clients, maxBatch }: Record<string, number>) => [clients, maxBatch])).toEqual([
    [1, 1],
    [8, 1],
    [8, 8],
  ]);
  for (const { errors, requests, perSecond, p50, p99, meanBatch, maxBatch } of rows) {
    expect({ errors, requests }).toEqual({ errors: 0, requests: 24 });
    expect(perSecond).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(meanBatch).toBeLessThanOrEqual(maxBatch);
  }
  expect(rows[1].meanBatch).toBe(1);
  expect(rows[2].meanBatch).toBeGreaterThan(1);
  expect(tokens.most).toBeGreaterThan(tokens.least);
});
