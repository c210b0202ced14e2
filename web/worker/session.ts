/** Opens a session in a page: from a built-in corpus or from texts that were pasted, dropped or chosen. */
import { ClozeError } from '../../src/gpu/errors.ts';
import { builtInCorpus, type Corpus, splitDocuments } from '../../src/mlm/corpus.ts';
import { rowOf } from '../../src/mlm/dataset.ts';
import type { TrainOptions } from '../../src/mlm/options.ts';
import { buildSession, readsStream, type Session } from '../../src/mlm/session.ts';
import { blobSource, streamDocuments } from '../../src/mlm/sources.ts';
import type { StoredText, TextSource, Word } from '../protocol.ts';
import { wordsOf } from '../words.ts';

/** Documents drawn from the built-in corpora: fewer than on the command line, so that training begins soon. */
const builtInDocuments = 6_000;

/** Throws `input` for a corpus that does not exist here or is too small. */
export async function openSession(options: TrainOptions, texts?: readonly StoredText[]): Promise<Session> {
  return buildSession(texts ? corpusOf(texts, options) : builtIn(options), options);
}

function builtIn({ data, seed }: TrainOptions): Corpus {
  const corpus = data.length === 1 && builtInCorpus(data[0], { count: builtInDocuments, seed });
  if (corpus) return corpus;
  throw new ClozeError('input', `${data.join(' ')} is no built-in corpus`, 'Paste a text or drop a file');
}

function corpusOf(texts: readonly StoredText[], options: TrainOptions): Corpus {
  const { documents } = options;
  const kind = documents === 'stream' || readsStream(options) ? 'file' : (documents ?? 'paragraph');
  return {
    name: texts.map(({ name }) => name).join(', '),
    documents: texts.flatMap(({ text }) =>
      typeof text === 'string' ? splitDocuments(text, kind as Exclude<typeof kind, 'stream'>) : text,
    ),
  };
}

/** Files whose records are documents; all others hold text. */
const recordFile = /\.(jsonl|ndjson|parquet)(\.gz)?$/i;

/** Reads what was pasted or chosen. Throws `input`, naming the file, for what is neither text nor records with the text field. */
export async function readSources(
  sources: readonly TextSource[],
  { textField }: Pick<TrainOptions, 'textField'>,
): Promise<StoredText[]> {
  return Promise.all(
    sources.map(async (source) => {
      if ('text' in source) return source;
      const { name, file } = source;
      const records = recordFile.test(name);
      const parts: string[] = [];
      const options = { textField, documents: records ? undefined : ('file' as const) };
      for await (const documents of streamDocuments(blobSource(name, file), options))
        parts.push(...documents);
      return { name, text: records ? parts : parts.join('') };
    }),
  );
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
