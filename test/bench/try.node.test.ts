import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { TryEvent } from '../../bench/trial.ts';
import { trialReport } from '../../bench/trialReport.ts';
import { type TryOptions, tryVariant } from '../../bench/try.node.ts';
import { variantOf } from '../../bench/variantOf.ts';
import { cloze } from '../cli/terminal.node.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const briefly = { rounds: 1, samplesPerTurn: 1, seconds: 0 };

/** Tries a file; returns the events and what the report makes of them. */
async function tried(file: string, options: Partial<TryOptions> = {}) {
  const events: TryEvent[] = [];
  const lines: string[] = [];
  const report = trialReport((line) => lines.push(line));
  const given = { path: path(file), kernel: 'accumulate', timeout: 30, sampling: briefly, ...options };
  await tryVariant(given, (event) => {
    events.push(event);
    report(event);
  });
  return { events, text: lines.join('\n') };
}

const ofKind = <K extends TryEvent['event']>(events: readonly TryEvent[], kind: K) =>
  events.filter((event): event is Extract<TryEvent, { event: K }> => event.event === kind);

describe('a variant on trial', () => {
  test('the example is right, and ranked among ours', async () => {
    const { events, text } = await tried('../../bench/examples/matmul-rows.ts', {
      kernel: 'matmul',
      shapes: ['32x16x64'],
    });
    const checks = ofKind(events, 'checked');
    expect(checks.length).toBeGreaterThan(2);
    expect(checks.flatMap(({ mismatches }) => mismatches)).toEqual([]);
    const [{ places }] = ofKind(events, 'ranked');
    expect(places.map(({ variant }) => variant)).toEqual(
      expect.arrayContaining(['naive', 'register', 'rows']),
    );
    expect(places.map(({ ms }) => ms)).toEqual(places.map(({ ms }) => ms).sort((a, b) => a - b));
    expect(text).toMatch(/rows \(yours\) +[\d.]+ ms/);
    expect(text).toContain('needs rows of whole vec4');
  });

  test('a wrong one is told its first wrong elements, and is not timed', async () => {
    const { events, text } = await tried('variants/wrong.ts');
    const bad = ofKind(events, 'checked').find(({ mismatches }) => mismatches.length > 0)!;
    expect(bad.problem).toBe('count=64');
    expect(bad.mismatches).toMatchObject([{ output: 'destination', index: 63 }]);
    const [{ got, want }] = bad.mismatches;
    expect(text).toContain(`destination[63]  got ${got}  wanted ${want}`);
    expect(text).toContain('right     at 2 of 4 shapes');
    expect(text).toContain('Not timed');
    expect(ofKind(events, 'ranked')).toEqual([]);
  });

  test('one that supports none of the shapes that are timed is told so', async () => {
    const { events, text } = await tried('../../bench/examples/matmul-rows.ts', {
      kernel: 'matmul',
      shapes: ['8x8x7'],
    });
    expect(ofKind(events, 'ranked')).toEqual([]);
    expect(text).toContain('Not timed: name a shape that it supports with --shapes.');
  });

  test('one that does not compile is shown the line', async () => {
    const { events, text } = await tried('variants/broken.js');
    expect(ofKind(events, 'faults')[0].faults[0]).toMatchObject({ line: 8, column: 24 });
    expect(text).toContain('8 |   destination[id.x] += sauce[id.x];\n      |                        ^^^^^');
    expect(ofKind(events, 'checked')).toEqual([]);
  });

  test('a kernel without shapes of its own is timed at its largest awkward one', async () => {
    const { events } = await tried('variants/right.js');
    expect(ofKind(events, 'ranked').map(({ shape }) => shape)).toEqual(['count=4194500']);
  });

  test('one that hangs is stopped, and the adapter answers again', async () => {
    const { events, text } = await tried('variants/endless.js', { timeout: 3 });
    expect(events.map(({ event }) => event).filter((event) => event !== 'unsupported')).toEqual([
      'loaded',
      'compiled',
      'hung',
      'recovered',
      'done',
    ]);
    expect(text).toContain('hangs     at count=64: no end after 3 s, so it was stopped');
    expect(text).toContain('The adapter is well: our vec4');
  });
});

describe('cloze bench try', () => {
  const tell = (file: string, ...args: string[]) =>
    cloze(['bench', 'try', path(file), '--as', 'accumulate', ...args]);

  test('fails for a wrong variant, and for one that hangs', async () => {
    const wrong = await tell('variants/wrong.ts');
    expect(wrong.code).toBe(1);
    expect(wrong.out).toMatch(/wrong +at count=64\n +destination\[63\] +got \S+ +wanted \S+/);
    const endless = await tell('variants/endless.js', '--timeout', '3');
    expect(endless.code).toBe(1);
    expect(endless.out).toContain('hangs     at count=64');
    expect(endless.err).toBe('');
  });

  test('tells one event a line as JSON', async () => {
    const { code, out } = await tell('variants/broken.js', '--json');
    expect(code).toBe(1);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toContain('faults');
    expect(events.at(-1)).toEqual({ event: 'done' });
  });
});

describe('a file that is no variant', () => {
  test.each([
    ['variants/none.js', 'accumulate', /none\.js exports no variant\. Export an object with name/],
    ['variants/missing.js', 'accumulate', /cannot read .*missing\.js: there is no such file/],
    ['variants/wrong.ts', 'addition', /there is no kernel addition\. Known: accumulate/],
  ])('%s as %s', async (file, kernel, message) => {
    await expect(tried(file, { kernel })).rejects.toThrow(message);
  });

  test('of several variants the default is taken; without one they are named', () => {
    const part = () => true;
    const variant = (name: string) => ({ name, supports: part, source: part, workgroups: part });
    const [a, b] = [variant('a'), variant('b')];
    expect(variantOf({ default: a, b }, 'x.js')).toBe(a);
    expect(variantOf({ a, again: a }, 'x.js')).toBe(a);
    expect(() => variantOf({ a, b }, 'x.js')).toThrow('x.js exports several variants: a, b');
  });
});
