/** Opens a session in a page: from a built-in corpus or from texts that were pasted, dropped or fetched. */
import { ClozeError } from '../../src/gpu/errors.ts';
import { builtInCorpus, type Corpus } from '../../src/mlm/data/corpus.ts';
import { rowOf } from '../../src/mlm/data/dataset.ts';
import { opfsShards } from '../../src/mlm/data/opfs-shards.browser.ts';
import { buildSession, type Session } from '../../src/mlm/data/session.ts';
import { corpusOrParts, type ShardedParts, sessionOfEither } from '../../src/mlm/data/shardedSession.ts';
import type { ShardStore } from '../../src/mlm/data/shards.ts';
import type { Source } from '../../src/mlm/data/sources.ts';
import type { TrainOptions } from '../../src/mlm/training/options.ts';
import type { Word } from '../protocol.ts';
import { wordsOf } from '../words.ts';
import { shardsFolder } from './library.ts';

/** Documents drawn from the built-in corpora: fewer than on the command line, so that training begins soon. */
const builtInDocuments = 6_000;

/** One store for all runs of this worker: some browsers let a file be open once. */
let shards: Promise<ShardStore> | undefined;

/**
 * What large texts are tokenised into is kept for the next time; `progress` is told how far that is.
 * Throws `input` for a corpus that does not exist here or is too small.
 */
export async function openSession(
  options: TrainOptions,
  sources: readonly Source[] | undefined,
  progress: ShardedParts['progress'],
): Promise<Session> {
  if (!sources) return buildSession(builtIn(options), options);
  shards ??= shardsFolder().then(opfsShards);
  const name = sources.map((source) => source.name).join(', ');
  const parts = { name, sources, store: await shards, progress };
  return sessionOfEither(await corpusOrParts(parts, options), options);
}

function builtIn({ data, seed }: TrainOptions): Corpus {
  const corpus = data.length === 1 && builtInCorpus(data[0], { count: builtInDocuments, seed });
  if (corpus) return corpus;
  throw new ClozeError('input', `${data.join(' ')} is no built-in corpus`, 'Paste a text or drop a file');
}

/** Words of a sample, and every how many of them one is hidden. */
const sampleWords = 24;
const hiddenEvery = 6;

/** The beginning of a text that is held out for validation, with some words hidden. */
export function sampleOf({ validation, tokenizer }: Session): Word[] {
  const plain = rowOf(validation, 0).filter((id) => !tokenizer.specialIds.has(id));
  const words = wordsOf(tokenizer.decode(plain)).slice(0, sampleWords);
  let since = 3 - hiddenEvery;
  return words.map(({ text }) => {
    const hidden = /^[\p{L}\p{N}]{3,}/u.test(text) && ++since >= 0 && since % hiddenEvery === 0;
    return { text, hidden };
  });
}
