import { describe, expect, test } from 'vitest';
import { bar, count, duration, quoted } from '../../src/cli/format.ts';
import { openProgress, type Progress } from '../../src/cli/progress.ts';
import { predictionLines, report } from '../../src/cli/report.ts';
import type { Session } from '../../src/mlm/data/session.ts';
import type { DoneEvent, StartEvent } from '../../src/mlm/training/events.ts';
import { parseOptions } from '../../src/mlm/training/options.ts';
import { memoryTerminal } from './terminal.node.ts';

const baselines = { unigram: { loss: 4, accuracy: 0.1 }, neighbours: { loss: 2, accuracy: 0.5 } };

const start: StartEvent = {
  event: 'start',
  tuning: null,
  adapter: 'a software adapter',
  parameters: 123456,
  memory: { state: 3 << 20, activations: 1 << 20, largestBuffer: 1 << 19, bufferLimit: 1 << 27 },
  vocabSize: 512,
  trainSequences: 900,
  validationSequences: 100,
  padding: 0.26,
  packedPadding: null,
  trainTokens: 45678,
  documents: 900,
  duplicates: 12,
  overlap: 3,
  steps: 1000,
  firstStep: 1,
  baselines,
  floor: 0.75,
};

const done: DoneEvent = {
  event: 'done',
  steps: 1000,
  trainLoss: 1.5,
  valLoss: 1.25,
  valAccuracy: 0.625,
  floor: 0.75,
  baselines,
  tokensPerSecond: 9876,
  adapter: 'a software adapter',
  reason: 'steps',
  out: 'runs/x',
};

const session = { name: 'letters', documents: 1000, tokenizer: { kind: 'char' } } as Session;

describe('a run is told', () => {
  const lines: string[] = [];
  const updates: [number, string][] = [];
  const progress: Progress = {
    update: (share, text) => updates.push([share, text]),
    say: (line) => lines.push(line),
    close() {},
  };
  const tell = report({ session, options: parseOptions({}) }, progress);

  test('with adapter, corpus, vocabulary and what is to be beaten', () => {
    tell(start);
    const text = lines.join('\n');
    for (const part of [
      'a software adapter',
      'letters: 1,000 documents',
      '45,678 tokens',
      '512 tokens (char)',
      '4 MiB: 3 MiB for weights, gradients and optimizer, 1 MiB for a step',
      'buffers of up to 512 KiB; the adapter allows 128 MiB',
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/4\.000 nats.*2\.000 nats/);
    expect(text).toContain('0.750 nats');
  });

  test('with loss, accuracy, speed and time left at each step', () => {
    const numbers = { loss: 3.21, accuracy: 0.25, epoch: 0.1, lr: 1e-3, gradNorm: 1, tokensPerSecond: 9876 };
    tell({ event: 'step', step: 10, ...numbers, secondsLeft: 62 });
    expect(updates.at(-1)?.[1]).toBe('step 10/1,000  loss 3.210  accuracy 25.0 %  9,876 tokens/s  1:02 left');
    expect(updates.at(-1)?.[0]).toBeGreaterThanOrEqual(0);
    expect(updates.at(-1)?.[0]).toBeLessThan(0.1);
  });

  test('with the baselines beside each validation', () => {
    tell({ event: 'eval', step: 100, loss: 2.5, accuracy: 0.4, best: true });
    expect(lines.at(-1)).toContain('validation loss 2.500 (unigram 4.000, neighbours 2.000, floor 0.750)');
    expect(lines.at(-1)).toContain('40.0 %');
  });

  test('with how it ended', () => {
    tell(done);
    expect(lines.at(-1)).toContain('All steps done: 1,000 steps');
    expect(lines.at(-1)).toContain('1.250 nats');
  });

  test('without a score when it was stopped before one', () => {
    tell({ ...done, reason: 'stopped', steps: 3, valLoss: Number.NaN, valAccuracy: Number.NaN });
    expect(lines.at(-1)).toMatch(/Stopped: 3 steps.*too short to be validated/);
  });
});

describe('progress', () => {
  test('is a line now and then where no terminal is', async () => {
    const terminal = memoryTerminal();
    const progress = await openProgress(terminal);
    progress.update(0.1, 'step 1');
    progress.update(0.2, 'step 2');
    progress.say('validation');
    progress.close();
    expect(terminal.stdout.text).toBe('step 1\nvalidation\n');
  });

  test('is a bar on a terminal, under lines that stay', async () => {
    const terminal = memoryTerminal();
    Object.assign(terminal.stdout, { isTTY: true, columns: 100 });
    const progress = await openProgress(terminal);
    progress.update(0.5, 'step 1');
    progress.say('validation');
    progress.close();
    expect(terminal.stdout.text).toContain('validation\n');
    expect(terminal.stdout.text).toMatch(/█+.*50 %.*step 1/);
  });
});

test('predictions are told with their probabilities, the answer marked', () => {
  const prediction = (token_str: string, score: number) => ({ token_str, score, token: 0, sequence: '' });
  const lines = predictionLines([prediction('carrot', 0.9), prediction('hat', 0.05)], 'carrot');
  expect(lines[0]).toMatch(/^ ✓ carrot {3}90\.0 % {2}█+$/);
  expect(lines[1]).toMatch(/^ {3}hat {7}5\.0 % {2}█▌$/);
});

test.each([
  [0, '0:00'],
  [62.4, '1:02'],
  [3723, '1:02:03'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

test('numbers are grouped, bars are filled, arguments quoted', () => {
  expect(count(1234567)).toBe('1,234,567');
  expect(bar(0.5, 4)).toBe('██  ');
  expect(bar(2, 4)).toBe('████');
  expect(quoted('runs/x')).toBe('runs/x');
  expect(quoted('a "b" $c')).toBe('"a \\"b\\" \\$c"');
});
