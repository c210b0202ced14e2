/** Opens a session on Node: the corpus from files, folders, patterns or URLs, the tokenizer trained or from a file. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cache } from '../../gpu/cache.node.ts';
import { ClozeError } from '../../gpu/index.ts';
import { parseTokenizer, parseVocabTxt, type Tokenizer, trainedKinds } from '../tokenizer/index.ts';
import type { TrainOptions } from '../training/options.ts';
import { openSources } from './corpus.node.ts';
import type { Corpus } from './corpus.ts';
import { readFileText } from './files.node.ts';
import type { ScoredText, Session } from './session.ts';
import { corpusOrParts, type ShardedParts, sessionOfEither, textOfEither } from './shardedSession.ts';
import { folderShards } from './shards.node.ts';

/** Documents drawn from the built-in corpora: enough that no row of a short run comes twice. */
const builtInDocuments = 20_000;

export interface OpenOptions {
  /** Where the shards of large corpora are kept. Default `shards` in the user's cache folder. */
  shards?: string;
  /** Default 64 MB. */
  memoryLimit?: number;
  /** Is told how far a pass over a large corpus is. */
  progress?: ShardedParts['progress'];
}

/** Reads the data that the options name and makes it ready for training. Throws what its parts throw. */
export async function openSession(
  options: TrainOptions,
  given?: Tokenizer,
  where: OpenOptions = {},
): Promise<Session> {
  const opened = await open(options, where);
  return sessionOfEither(opened, options, given ?? (await namedTokenizer(options.tokenizer)));
}

/** Reads the data that the options name and makes all of it ready for scoring. Throws what its parts throw. */
export async function openWholeText(
  options: TrainOptions,
  tokenizer: Tokenizer,
  where: OpenOptions = {},
): Promise<ScoredText> {
  return textOfEither(await open(options, where), options, tokenizer);
}

async function open(options: TrainOptions, where: OpenOptions): Promise<Corpus | ShardedParts> {
  const { data, seed } = options;
  const sources = await openSources(data, { count: builtInDocuments, seed });
  if (!Array.isArray(sources)) return sources;
  const store = folderShards(where.shards ?? cache.place('shards'));
  const parts = { name: data.join(' '), sources, store, progress: where.progress };
  return corpusOrParts(parts, options, where.memoryLimit);
}

/** The tokenizer in a file or a folder; undefined for the names of those that are trained on the corpus. */
async function namedTokenizer(name: string): Promise<Tokenizer | undefined> {
  if (trainedKinds.some((kind) => kind === name)) return undefined;
  const found = await stat(name).catch(() => undefined);
  if (!found) {
    throw new ClozeError(
      'option',
      `there is no tokenizer ${name}`,
      `Use ${trainedKinds.join(', ')}, or the path of a tokenizer.json or vocab.txt`,
    );
  }
  const path = found.isDirectory() ? join(name, 'tokenizer.json') : name;
  const text = await readFileText(path);
  if (basename(path).endsWith('.txt')) return parseVocabTxt(text, { name: path });
  try {
    return parseTokenizer(JSON.parse(text), path);
  } catch (error) {
    if (error instanceof ClozeError) throw error;
    throw new ClozeError('format', `${path} is not JSON`, 'Give a tokenizer.json or a vocab.txt');
  }
}
