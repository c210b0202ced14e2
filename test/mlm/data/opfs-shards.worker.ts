/** What the test of shards in a browser does where such files can be read: in a worker. Each message names a scenario. */

import { opfsShards } from '../../../src/mlm/data/opfs-shards.browser.ts';
import type { Session } from '../../../src/mlm/data/session.ts';
import { corpusOrParts, sessionOfEither } from '../../../src/mlm/data/shardedSession.ts';
import { openShards, writeShards } from '../../../src/mlm/data/shards.ts';
import { blobSource } from '../../../src/mlm/data/sources.ts';
import { stories } from '../../../src/mlm/data/stories.ts';
import { openFolder } from '../../../src/mlm/storage/opfs.browser.ts';
import { trainTokenizer } from '../../../src/mlm/tokenizer/index.ts';
import { parseOptions } from '../../../src/mlm/training/options.ts';

const post = (message: unknown) => (self as unknown as Worker).postMessage(message);
const folder = () => openFolder(['cloze-test', 'shards']);
const bytes = () => trainTokenizer({ kind: 'bytes', corpus: [] });

async function* documents(...texts: string[]) {
  yield texts;
}

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of (await folder()).keys()) found.push(name);
  return found.sort();
}

const scenarios = {
  async whole() {
    const store = opfsShards(await folder());
    const tokenizer = await bytes();
    const before = await openShards(store, 'x');
    await writeShards(store, 'x', documents('ab', 'c', 'defg'), tokenizer);
    const tokens = await openShards(store, 'x');
    // Once more while the files of before are open, and by another store.
    const again = await openShards(store, 'x');
    return {
      before: before !== undefined,
      lengths: [...(tokens?.lengths ?? [])],
      text: tokenizer.decode(tokens?.read(1, 5) ?? []),
      again: tokenizer.decode(again?.read(0, 3) ?? []),
      names: await names(),
    };
  },

  async replaced() {
    const store = opfsShards(await folder());
    const tokenizer = await bytes();
    await writeShards(store, 'x', documents('old'), tokenizer);
    await openShards(store, 'x');
    await writeShards(store, 'x', documents('newer'), tokenizer);
    const decode = async () => tokenizer.decode((await openShards(store, 'x'))?.read(0, 5) ?? []);
    const text = await decode();
    async function* failing() {
      yield ['zzz'];
      throw new Error('no more');
    }
    const failure = await writeShards(store, 'x', failing(), tokenizer).catch(
      (error: Error) => error.message,
    );
    return { text, failure, kept: await decode(), names: await names() };
  },

  /** Never ends: the page ends the worker. */
  async endless() {
    async function* endless() {
      for (let round = 0; ; round++) {
        if (round === 40) post({ begun: true });
        yield Array<string>(1000).fill('some text for a shard');
      }
    }
    await writeShards(opfsShards(await folder()), 'x', endless(), await bytes());
  },

  async afterTheEnd() {
    const left = await names();
    const store = opfsShards(await folder());
    const whole = (await openShards(store, 'x')) !== undefined;
    await writeShards(store, 'x', documents('fresh'), await bytes());
    const lengths = [...((await openShards(store, 'x'))?.lengths ?? [])];
    return { left, whole, lengths, names: await names() };
  },

  /** The same rows from shards as from memory, and nothing to tokenise the second time. */
  async session() {
    const text = stories({ count: 200, seed: 5 }).join('\n\n');
    const options = parseOptions({ vocabSize: 300, seqLen: 32 });
    const store = opfsShards(await folder());
    const seen = new Set<string>();
    const open = async (limit: number) => {
      seen.clear();
      const sources = [blobSource('a.txt', new Blob([text]))];
      const parts = { name: 'a.txt', sources, store, progress: (_: number, what: string) => seen.add(what) };
      return sessionOfEither(await corpusOrParts(parts, options, limit), options);
    };
    const rows = ({ train, validation }: Session) =>
      [train, validation].map((part) => Array.from({ length: part.size }, (_, i) => [...part.row(i)]));
    const memory = await open(Number.POSITIVE_INFINITY);
    const inMemory = [...seen];
    const first = await open(0);
    const firstSeen = [...seen];
    const second = await open(0);
    const same = (session: Session) => JSON.stringify(rows(session)) === JSON.stringify(rows(memory));
    return {
      size: memory.train.size,
      same: [same(first), same(second)],
      inMemory,
      firstSeen,
      secondSeen: [...seen],
    };
  },
};

self.onmessage = async ({ data }: MessageEvent<keyof typeof scenarios>) => {
  try {
    post({ result: await scenarios[data]() });
  } catch (error) {
    post({ failure: String((error as Error).stack) });
  }
};
