/** A corpus by the names of its sources, in memory or as a stream. */
import { ClozeError } from '../../gpu/errors.ts';
import { builtInCorpus, type Corpus, type CorpusOptions, collect } from './corpus.ts';
import { findSources } from './sources.node.ts';
import type { Source } from './sources.ts';

/**
 * What `names` stand for: files, folders, glob patterns and http(s) URLs, one after the other, or one built-in corpus.
 * Throws ClozeError `input` for a source that does not exist, and `io` for one that cannot be read or fetched.
 */
export async function openSources(
  names: readonly string[],
  options: CorpusOptions = {},
): Promise<Corpus | Source[]> {
  const builtIn = names.map((name) => builtInCorpus(name, options)).find((corpus) => corpus);
  if (builtIn && names.length === 1) return builtIn;
  if (builtIn) {
    throw new ClozeError('input', `${builtIn.name} cannot be mixed with other data`, 'Give it alone.');
  }
  const sources: Source[] = [];
  for (const name of names) sources.push(...(await findSources(name)));
  return sources;
}

/**
 * All documents of the corpus that `names` stand for. Throws what {@link openSources} throws, and ClozeError `input` for a
 * source that is no text or holds none.
 */
export async function readCorpus(
  names: string | readonly string[],
  options: CorpusOptions = {},
): Promise<Corpus> {
  const list = typeof names === 'string' ? [names] : names;
  const opened = await openSources(list, options);
  return Array.isArray(opened) ? collect(list.join(' '), opened, options) : opened;
}
