/** Opens a session in a page: from a built-in corpus or from texts that were pasted or dropped. */
import { ClozeError } from '../../src/gpu/errors.ts';
import { builtInCorpus, type Corpus, splitDocuments } from '../../src/mlm/corpus.ts';
import { rowOf } from '../../src/mlm/dataset.ts';
import type { TrainOptions } from '../../src/mlm/options.ts';
import { buildSession, readsStream, type Session } from '../../src/mlm/session.ts';
import type { TextSource, Word } from '../protocol.ts';
import { wordsOf } from '../words.ts';

/** Documents drawn from the built-in corpora: fewer than on the command line, so that training begins soon. */
const builtInDocuments = 6_000;

/** Throws `input` for a corpus that does not exist here or is too small. */
export async function openSession(options: TrainOptions, texts?: readonly TextSource[]): Promise<Session> {
  return buildSession(texts ? corpusOf(texts, options) : builtIn(options), options);
}

function builtIn({ data, seed }: TrainOptions): Corpus {
  const corpus = data.length === 1 && builtInCorpus(data[0], { count: builtInDocuments, seed });
  if (corpus) return corpus;
  throw new ClozeError('input', `${data.join(' ')} is no built-in corpus`, 'Paste a text or drop a file');
}

function corpusOf(texts: readonly TextSource[], options: TrainOptions): Corpus {
  const { documents } = options;
  const kind = documents === 'stream' || readsStream(options) ? 'file' : (documents ?? 'paragraph');
  return {
    name: texts.map(({ name }) => name).join(', '),
    documents: texts.flatMap(({ text }) => splitDocuments(text, kind as Exclude<typeof kind, 'stream'>)),
  };
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
