/** What can be asked of a fine-tuned model besides its scores: calibration, robustness, explanations, and answers over HTTP. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/program.ts';
import { cloze, memoryTerminal } from './terminal.node.ts';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloze-reports-'));
  const nouns = ['cat', 'dog', 'day', 'song', 'film', 'book', 'meal', 'game'];
  const texts = Array.from({ length: 96 }, (_, i) => {
    const noun = nouns[(i >> 1) % 8];
    return i % 2 === 0 ? `GOOD a fine ${noun} indeed` : `BAD a dull ${noun} indeed`;
  });
  await writeFile(at('texts.txt'), texts.join('\n'));
  const args = ['finetune', '--task', 'classification', '--data', at('texts.txt'), '--out', at('classifier')];
  const { err } = await cloze([
    ...args,
    '--preset',
    'nano',
    '--epochs',
    '4',
    '--batch-size',
    '8',
    '--lr',
    '3e-3',
  ]);
  expect(err).toBe('');
});
afterAll(() => rm(folder, { recursive: true }));

test('eval tells calibration and robustness, and draws them', async () => {
  const args = [
    'eval',
    '--model',
    at('classifier'),
    '--data',
    at('texts.txt'),
    '--calibration',
    '--robustness',
  ];
  const { code, out, err } = await cloze([...args, '--out', at('pictures'), '--json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { scores, calibration, robustness } = JSON.parse(out);
  const { asItIs, scaled, temperature } = calibration;
  expect(asItIs.accuracy).toBe(scores.accuracy);
  expect(asItIs.bins.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(96);
  expect(temperature).toBeGreaterThan(0);
  expect(scaled.nll).toBeLessThanOrEqual(asItIs.nll + 1e-6);
  expect(Object.keys(robustness)).toEqual(['typos', 'case', 'swaps']);
  for (const points of Object.values<{ rate: number; scores: { accuracy: number } }[]>(robustness)) {
    expect(points.map(({ rate }) => rate)).toEqual([0, 0.05, 0.1, 0.2, 0.4]);
    expect(points[0].scores).toEqual(scores);
  }
  expect(robustness.typos[4].scores.accuracy).toBeLessThan(scores.accuracy);
  expect((await readFile(at('pictures/robustness.svg'), 'utf8')).match(/<polyline/g)).toHaveLength(3);
  expect(await readFile(at('pictures/calibration.svg'), 'utf8')).toContain('as it should be');
  const told = (await cloze(args)).out;
  for (const line of [
    /calibration +ECE/,
    /at temperature \d/,
    /accuracy at rates of +0\.0 %/,
    /typos +100\.0 %/,
  ]) {
    expect(told).toMatch(line);
  }
});

test('explain finds the word that makes the label', async () => {
  const args = ['explain', '--model', at('classifier'), 'a dull day indeed', '--json'];
  const { target, tokens, scores, value, baseline } = JSON.parse((await cloze(args)).out);
  expect(target).toBe('BAD');
  const strongest = scores.indexOf(Math.max(...scores));
  expect(tokens[strongest]).toBe('dull');
  const sum = scores.reduce((total: number, score: number) => total + score, 0);
  expect(Math.abs(sum - (value - baseline))).toBeLessThan(0.05 * Math.abs(value - baseline) + 0.01);
  expect((await cloze([...args, '--target', 'UGLY'])).err).toMatch(
    /"UGLY" is none of the model's\. Known: BAD, GOOD/,
  );
});

test('serve classifies as predict does', async () => {
  const terminal = memoryTerminal();
  const ended = runCommand(['serve', '--model', at('classifier'), '--port', '0', '--json'], terminal);
  for (let i = 0; i < 1000 && !terminal.stdout.text.includes('listening'); i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { url, paths } = JSON.parse(terminal.stdout.text);
  expect(paths).toEqual(['/v1/classify', '/v1/embed']);
  const texts = ['a dull cat indeed', 'a fine day indeed'];
  const response = await fetch(`${url}/v1/classify`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ texts, top_k: 2 }),
  });
  const { results } = (await response.json()) as { results: { label: string; score: number }[][] };
  const predicted = (await cloze(['predict', '--model', at('classifier'), '--json', ...texts])).out;
  predicted
    .trim()
    .split('\n')
    .forEach((line, i) => {
      const { label, score } = JSON.parse(line);
      expect(results[i][0].label).toBe(label);
      expect(results[i][0].score).toBeCloseTo(score, 5);
      expect(results[i][0].score + results[i][1].score).toBeCloseTo(1, 6);
    });
  process.emit('SIGTERM', 'SIGTERM');
  expect(await ended).toBe(0);
});

describe('bad input is one line', () => {
  test.each([
    [['--pll'], /--pll is for language models/],
    [['--pairs', 'x.jsonl'], /--pairs is for language models/],
  ])('%j', async (flags, message) => {
    const { code, err } = await cloze([
      'eval',
      '--model',
      at('classifier'),
      '--data',
      at('texts.txt'),
      ...flags,
    ]);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});
