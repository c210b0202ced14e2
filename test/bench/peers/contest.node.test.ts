import { describe, expect, test } from 'vitest';
import type { Competitor } from '../../../bench/peers/competitor.ts';
import { measureOperation } from '../../../bench/peers/contest.ts';
import { operations } from '../../../bench/peers/operations.ts';
import { peersCells, peersMarkdown } from '../../../bench/peers/report.ts';
import type { KernelRow } from '../../../bench/report.ts';

const softmax = operations.find(({ name }) => name === 'softmax')!;
const ceiling = { gflops: 10, gbps: 10 };
const sampling = { rounds: 3, samplesPerTurn: 1, seconds: 60 };

/** A library of which every call takes `ms`, and which logs each of its runs. */
function library(name: string, ms: number, log: string[] = [], faults: Partial<Competitor> = {}): Competitor {
  let calls = 0;
  return {
    name,
    prepare: async (_, { x }) => ({
      results: async () => softmax.reference({ x }),
      call: () => {
        calls++;
      },
      dispose: () => log.push(`${name} disposed`),
    }),
    finish: async () => {
      log.push(name);
      const wait = ms * calls;
      calls = 0;
      await new Promise((resolve) => setTimeout(resolve, wait));
    },
    close: () => {},
    ...faults,
  };
}

const measure = (ours: Competitor, ...peers: Competitor[]): Promise<KernelRow> =>
  measureOperation(ours, peers, { kernel: softmax, sizes: [2, 4] }, sampling, ceiling);

describe('we and our peers', () => {
  test('take turns, and every other round goes backwards', async () => {
    const log: string[] = [];
    await measure(library('a', 40, log), library('b', 40, log));
    const disposals = log.splice(-2);
    expect(log.slice(-6).join('')).toBe('abbaab');
    expect(disposals).toEqual(['a disposed', 'b disposed']);
  });

  test('have a ratio above 1 where we are faster, and below where they are', async () => {
    const { ms, peers, relError } = await measure(
      library('cloze', 15),
      library('slow', 60),
      library('fast', 4),
    );
    expect(relError).toBe(0);
    expect(ms).toBeGreaterThanOrEqual(14);
    expect(peers.slow.ratio).toBeGreaterThan(2);
    expect(peers.fast.ratio).toBeLessThan(0.8);
    for (const { ratio, ratioSpread } of Object.values(peers)) {
      expect(ratioSpread![0]).toBeLessThanOrEqual(ratio! * 1.5);
      expect(ratioSpread![1]).toBeGreaterThanOrEqual(ratio! / 1.5);
    }
  });

  test('go on when one lacks the operation, fails on the way, or is wrong', async () => {
    const lacking = library('lacking', 1, [], {
      prepare: async () => {
        throw new Error('has no softmax\n  at somewhere');
      },
    });
    const breaking = library('breaking', 1);
    const { finish } = breaking;
    let waits = 0;
    breaking.finish = async () => {
      if (++waits > 4) throw new Error('ran out of memory');
      await finish();
    };
    const wrong = library('wrong', 1, [], {
      prepare: async () => ({
        results: async () => [new Float32Array(8).fill(0.3)],
        call: () => {},
        dispose: () => {},
      }),
    });
    const row = await measure(library('cloze', 1), lacking, breaking, wrong);
    expect(row.peers.lacking).toEqual({
      ms: null,
      spread: null,
      ratio: null,
      ratioSpread: null,
      relError: null,
      note: 'has no softmax',
    });
    expect(row.peers.breaking).toMatchObject({
      ms: null,
      ratio: null,
      relError: 0,
      note: 'ran out of memory',
    });
    expect(row.peers.wrong.note).toBe('its result is wrong');
    const notes = peersCells(row).map((cells) => cells.at(-1));
    expect(notes).toEqual(['', 'has no softmax', 'ran out of memory', 'its result is wrong']);
  });

  test('as a table in Markdown', async () => {
    const row = await measure(library('cloze', 1), library('peer', 1));
    row.ms = 2;
    row.spread = [1, 3];
    row.peers.peer = { ms: 8, spread: [7, 9], ratio: 4, ratioSpread: [3, 5], relError: 1e-7 };
    const control = { kernel: 'copy', shape: '8', ratio: 1, spread: [0.9, 1.1] as [number, number] };
    const lines = peersMarkdown({ adapter: 'test', ceiling, control, rows: [row] });
    expect(lines.slice(-2)).toEqual([
      '| softmax | 2x4 | cloze | 2.00 | (1.00 to 3.00) |  |  | 0 % | 0e+0 |  |',
      '|  |  | peer | 8.00 | (7.00 to 9.00) | 4.00x | (3.00 to 5.00) |  | 1e-7 |  |',
    ]);
  });
});
