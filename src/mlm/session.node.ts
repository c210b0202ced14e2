/** Opens a session on Node: the corpus from files, folders, patterns or URLs, the tokenizer trained or from a file. */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ClozeError } from '../gpu/index.ts';
import { readCorpus } from './corpus.node.ts';
import type { Corpus } from './corpus.ts';
import { readFileText } from './files.node.ts';
import type { TrainOptions } from './options.ts';
import { buildSession, buildWholeText, readsStream, type ScoredText, type Session } from './session.ts';
import { parseTokenizer, parseVocabTxt, type Tokenizer, trainedKinds } from './tokenizer/index.ts';

/** Documents drawn from the built-in corpora: enough that no row of a short run comes twice. */
const builtInDocuments = 20_000;

/** Reads the data that the options name and makes it ready for training. Throws what its parts throw. */
export async function openSession(options: TrainOptions, given?: Tokenizer): Promise<Session> {
  const corpus = await openCorpus(options);
  const tokenizer = given ?? (await namedTokenizer(options.tokenizer));
  return buildSession(corpus, options, tokenizer);
}

/** Reads the data that the options name and makes all of it ready for scoring. Throws what its parts throw. */
export async function openWholeText(options: TrainOptions, tokenizer: Tokenizer): Promise<ScoredText> {
  return buildWholeText(await openCorpus(options), options, tokenizer);
}

function openCorpus(options: TrainOptions): Promise<Corpus> {
  return readCorpus(options.data, {
    documents: readsStream(options) ? 'stream' : options.documents,
    textField: options.textField,
    count: builtInDocuments,
    seed: options.seed,
  });
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
