import { expect, test } from 'vitest';
import { measureInBrowser } from '../../bench/browser/index.node.ts';

const sampling = { rounds: 3, samplesPerTurn: 1, seconds: 1 };

test('a step is measured in a real browser, and what goes wrong there is told', async () => {
  const sizes = { model: 'nano', seqLen: 16, batch: 2, vocab: 48, maskRate: 0.25 };
  const answer = await measureInBrowser({ bench: 'step', sampling, sizes, peers: false });
  if (!('row' in answer)) throw new Error('no row came back');
  expect(answer.adapter).toMatch(/swiftshader/i);
  expect(answer.row).toMatchObject({ model: 'nano', seqLen: 16, peers: {} });
  expect(answer.row.msPerStep).toBeGreaterThan(0);

  const wrong = { ...sizes, model: 'no such preset' };
  await expect(measureInBrowser({ bench: 'step', sampling, sizes: wrong, peers: false })).rejects.toThrow(
    /^measuring in the browser failed: .*no such preset/,
  );
}, 600_000);
