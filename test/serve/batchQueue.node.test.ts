import { describe, expect, test } from 'vitest';
import { ClozeError } from '../../src/gpu/errors.ts';
import { BatchQueue, BusyError, type Job } from '../../src/serve/batchQueue.ts';

interface Named extends Job {
  name: string;
}

const job = (name: string, { length = 1, kind = 'a' } = {}): Named => ({ name, length, kind });

/** A queue whose batches run when they are told to. */
function queueOf(
  options: { maxBatch?: number; capacity?: number; fails?: (names: string[]) => Error | undefined } = {},
) {
  const { maxBatch = 4, capacity = 100, fails } = options;
  const batches: string[][] = [];
  const releases: (() => void)[] = [];
  const queue = new BatchQueue<Named, string>({
    maxBatch,
    capacity,
    async run(jobs) {
      const names = jobs.map(({ name }) => name);
      batches.push(names);
      await new Promise<void>((resolve) => releases.push(resolve));
      const error = fails?.(names);
      if (error) throw error;
      return names.map((name) => name.toUpperCase());
    },
  });
  /** Lets the batch that runs end, and the next one begin. */
  const release = async () => {
    releases.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { queue, batches, release };
}

describe('a queue of batches', () => {
  test('starts at once, and gathers what arrives meanwhile', async () => {
    const { queue, batches, release } = queueOf();
    const answers = ['x', 'y', 'z'].map((name) => queue.submit([job(name)]));
    expect(batches).toEqual([['x']]);
    expect(queue.length).toBe(2);
    await release();
    await release();
    expect(batches).toEqual([['x'], ['y', 'z']]);
    expect(await Promise.all(answers)).toEqual([['X'], ['Y'], ['Z']]);
    await queue.drained();
    expect(queue.length).toBe(0);
  });

  test('takes the oldest and those nearest to it in length, of its kind', async () => {
    const { queue, batches, release } = queueOf({ maxBatch: 2 });
    const all = [
      queue.submit([job('first')]),
      queue.submit([job('long', { length: 90 }), job('other', { length: 89, kind: 'b' })]),
      queue.submit([job('short', { length: 2 }), job('longer', { length: 95 })]),
    ];
    for (let i = 0; i < 5; i++) await release();
    await Promise.all(all);
    expect(batches).toEqual([['first'], ['long', 'longer'], ['other'], ['short']]);
  });

  test('takes all jobs of a request or none', async () => {
    const { queue, release } = queueOf({ capacity: 2 });
    const running = queue.submit([job('x')]);
    const waiting = queue.submit([job('y')]);
    await expect(queue.submit([job('p'), job('q')])).rejects.toThrow(BusyError);
    expect(queue.length).toBe(1);
    await release();
    await release();
    expect(await Promise.all([running, waiting])).toEqual([['X'], ['Y']]);
  });

  test('forgets what its client no longer waits for', async () => {
    const { queue, batches, release } = queueOf();
    const running = queue.submit([job('x')]);
    const gone = new AbortController();
    const left = queue.submit([job('y'), job('z')], gone.signal);
    const stays = queue.submit([job('w')]);
    gone.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    await expect(queue.submit([job('v')], gone.signal)).rejects.toThrow('gone');
    await release();
    await release();
    expect(await Promise.all([running, stays])).toEqual([['X'], ['W']]);
    expect(batches).toEqual([['x'], ['w']]);
  });

  test('a job that fails harms no other of its batch', async () => {
    const fails = (names: string[]) => (names.includes('bad') ? new Error('bad job') : undefined);
    const { queue, release } = queueOf({ fails });
    const all = ['x', 'good', 'bad', 'fine'].map((name) => queue.submit([job(name)]));
    const told = Promise.allSettled(all);
    for (let i = 0; i < 6; i++) await release();
    expect(
      (await told).map((one) => (one.status === 'fulfilled' ? one.value[0] : one.reason.message)),
    ).toEqual(['X', 'GOOD', 'bad job', 'FINE']);
  });

  test('a lost device fails the whole batch at once', async () => {
    const fails = (names: string[]) => (names[0] === 'x' ? undefined : new ClozeError('device-lost', 'lost'));
    const { queue, batches, release } = queueOf({ fails });
    const all = ['x', 'y', 'z'].map((name) => queue.submit([job(name)]));
    const told = Promise.allSettled(all);
    for (let i = 0; i < 3; i++) await release();
    expect((await told).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(batches).toHaveLength(2);
  });
});
