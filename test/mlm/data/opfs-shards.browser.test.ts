import { afterEach, expect, test } from 'vitest';
import { opfsShards } from '../../../src/mlm/data/opfs-shards.browser.ts';
import { openFolder, removeEntry } from '../../../src/mlm/storage/opfs.browser.ts';

let worker: Worker | undefined;
afterEach(async () => {
  worker?.terminate();
  await cleared();
});

/** The files of a worker that was ended are let go of a little later. */
async function cleared(): Promise<void> {
  await expect.poll(async () => removeEntry(await openFolder([]), 'cloze-test').then(() => true)).toBe(true);
}

interface Answer {
  result?: unknown;
  failure?: string;
  begun?: true;
}

/** What a worker of its own answers to the name of a scenario. */
async function ask(scenario: string): Promise<unknown> {
  worker?.terminate();
  worker = new Worker(new URL('./opfs-shards.worker.ts', import.meta.url), { type: 'module' });
  const answer = new Promise<Answer>((resolve, reject) => {
    (worker as Worker).onmessage = ({ data }) => resolve(data);
    (worker as Worker).onerror = ({ message }) => reject(new Error(message));
  });
  worker.postMessage(scenario);
  const { result, failure, begun } = await answer;
  if (failure !== undefined) throw new Error(failure);
  return begun ?? result;
}

test('shards are there when they are whole, and read at any place', async () => {
  expect(await ask('whole')).toEqual({
    before: false,
    lengths: [2, 1, 4],
    text: 'bcde',
    again: 'abc',
    names: ['x.1', 'x.current'],
  });
});

test('shards take the place of those of before, which stay when an error comes', async () => {
  expect(await ask('replaced')).toEqual({
    text: 'newer',
    failure: 'no more',
    kept: 'newer',
    names: ['x.2', 'x.current'],
  });
});

test('a worker that is ended while it tokenises leaves nothing that counts, and the next one starts cleanly', async () => {
  expect(await ask('endless')).toBe(true);
  expect(await ask('afterTheEnd')).toEqual({
    left: ['x.1'],
    whole: false,
    lengths: [5],
    names: ['x.1', 'x.current'],
  });
});

test('a session has the same rows from shards as from memory, and finds them again', async () => {
  const answer = (await ask('session')) as { size: number };
  expect(answer.size).toBeGreaterThan(100);
  expect(answer).toMatchObject({
    same: [true, true],
    inMemory: [],
    firstSeen: ['Reading', 'Counting documents', 'Learning the vocabulary', 'Tokenising'],
    secondSeen: ['Reading'],
  });
});

test('a page, which cannot read so, is told to use a worker', async () => {
  await ask('whole');
  const folder = await openFolder(['cloze-test', 'shards']);
  await expect((await opfsShards(folder).open('x'))?.openFile('tokens-0.bin')).rejects.toThrow(
    'shards are read by workers alone. Open the session in a worker.',
  );
});
