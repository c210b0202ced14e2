/** Reads a corpus from files, folders, glob patterns and URLs, or finds a built-in one by its name. */
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { glob, isDynamicPattern } from 'tinyglobby';
import { ClozeError } from '../gpu/errors.ts';
import { builtInCorpus, type Corpus, type CorpusOptions, decodeText, splitDocuments } from './corpus.ts';

const builtIns = 'stories, stories:short, synthetic:clock or synthetic:copy';

/**
 * The corpus that `sources` name, one after the other: files, folders (every .txt and .text inside, at any depth), glob patterns, http(s) URLs; or one built-in corpus. Files of a folder or a pattern come in the
 * order of their paths.
 * Throws ClozeError `input` for a source that does not exist, holds no text, is binary or not UTF-8, and
 * `io` for one that cannot be read or fetched.
 */
export async function readCorpus(
  sources: string | readonly string[],
  options: CorpusOptions = {},
): Promise<Corpus> {
  const list = typeof sources === 'string' ? [sources] : sources;
  const name = list.join(' ');
  const builtIn = list.map((source) => builtInCorpus(source, options)).find((corpus) => corpus);
  if (builtIn && list.length === 1) return builtIn;
  if (builtIn) {
    throw new ClozeError('input', `${builtIn.name} cannot be mixed with other data`, 'Give it alone.');
  }
  const documents: string[] = [];
  for (const source of list) {
    for (const text of await readTexts(source)) {
      for (const document of splitDocuments(text, options.documents ?? 'paragraph')) documents.push(document);
    }
  }
  if (documents.length === 0) {
    throw new ClozeError(
      'input',
      `There is no text in ${name || 'an empty list of sources'}`,
      'Give a file with some.',
    );
  }
  return { name, documents };
}

async function readTexts(source: string): Promise<string[]> {
  if (/^https?:\/\//i.test(source)) return [decodeText(await download(source), source)];
  const paths = await listFiles(source);
  return Promise.all(paths.map(async (path) => decodeText(await readBytes(path), path)));
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new ClozeError('io', `${path} cannot be read (${reason(cause)})`, 'Check its permissions.', {
      cause,
    });
  }
}

/** A path that exists is taken literally, even if it looks like a pattern. */
async function listFiles(source: string): Promise<string[]> {
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory()) {
    const paths = await glob('**/*.{txt,text}', {
      cwd: source,
      absolute: true,
      caseSensitiveMatch: false,
    });
    if (paths.length > 0) return paths.sort();
    throw new ClozeError(
      'input',
      `The folder ${source} holds no .txt or .text file`,
      `Name the files, or a pattern such as "${source.replace(/\/$/, '')}/**/*.csv".`,
    );
  }
  if (found) return [source];
  if (isDynamicPattern(source)) {
    const paths = await glob(source.replaceAll('\\', '/'), { expandDirectories: false });
    if (paths.length > 0) return paths.sort();
    throw new ClozeError('input', `No file matches ${source}`, 'Check the pattern, and put it in quotes.');
  }
  throw new ClozeError(
    'input',
    `There is no file or folder ${source}`,
    `Give a path, a glob pattern, a URL, or ${builtIns}.`,
  );
}

const attempts = 3;

/** Tries again, a little later each time, when the network or the server fails, not when the server says no. */
async function download(url: string): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    let problem: string;
    let final = false;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(60_000) });
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      await response.body?.cancel();
      problem = `the server answered ${response.status} ${response.statusText}`.trimEnd();
      final = response.status < 500 && response.status !== 429;
    } catch (error) {
      problem = reason(error);
    }
    if (final || attempt === attempts) {
      const tried = attempt === 1 ? '' : ` after ${attempt} attempts`;
      throw new ClozeError(
        'io',
        `${url} cannot be downloaded${tried}: ${problem}`,
        'Check the address and the network, or download it and give the file.',
      );
    }
    await sleep(250 * 4 ** (attempt - 1));
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message.split('\n')[0];
}
