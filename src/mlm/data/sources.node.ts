/** Finds the files behind paths, folders, glob patterns and URLs. What is downloaded is kept in the user's cache folder. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { cache } from '../../gpu/cache.node.ts';
import { ClozeError } from '../../gpu/errors.ts';
import { download, type Version } from './download.ts';
import { ioError, readFileText, unlessMissing, writeFileAtomically } from './files.node.ts';
import type { Source } from './sources.ts';

const builtIns = 'stories, stories:short, synthetic:clock or synthetic:copy';

/** What a folder is searched for. */
const textFiles = '**/*.{txt,text,jsonl,ndjson,parquet,txt.gz,text.gz,jsonl.gz,ndjson.gz}';

/**
 * The sources that a name stands for: a file, every text in a folder (at any depth) or of a glob pattern in the order of their
 * paths, or a URL, which is downloaded unless an earlier download is still valid.
 * Throws ClozeError `input` for what does not exist, `io` for what cannot be read or fetched.
 */
export async function findSources(name: string): Promise<Source[]> {
  if (/^https?:\/\//i.test(name)) return [await downloaded(name)];
  return Promise.all((await listFiles(name)).map((path) => fileSource(path)));
}

/** A file of the disk; `name` is what it is called in messages. */
export async function fileSource(path: string, name = path): Promise<Source> {
  const { size } = await stat(path).catch((error) => {
    throw cannotRead(name, error);
  });
  return {
    name,
    size,
    stream: () => fileChunks(path, name),
    async slice(start, end) {
      const file = await open(path).catch((error) => {
        throw cannotRead(name, error);
      });
      try {
        const bytes = new Uint8Array(end - start);
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
        return bytes.buffer.slice(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}

async function* fileChunks(path: string, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 18 });
  } catch (error) {
    throw cannotRead(name, error);
  }
}

function cannotRead(name: string, cause: unknown): ClozeError {
  if (cause instanceof ClozeError) return cause;
  const reason = (cause as Error).message.split('\n')[0];
  return new ClozeError('io', `${name} cannot be read (${reason})`, 'Check its permissions.', { cause });
}

/** A path that exists is taken literally, even if it looks like a pattern. */
async function listFiles(source: string): Promise<string[]> {
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory()) {
    const paths = await glob(textFiles, { cwd: source, absolute: true, caseSensitiveMatch: false });
    if (paths.length > 0) return paths.sort();
    throw new ClozeError(
      'input',
      `The folder ${source} holds no .txt, .text, .jsonl or .parquet file`,
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

/** The page as a file in the cache, beside a note of its version; the server is asked whether it has changed. */
async function downloaded(url: string): Promise<Source> {
  const path = cache.place(`downloads/${createHash('sha256').update(url).digest('hex').slice(0, 32)}`);
  const note = `${path}.json`;
  const known = await unlessMissing(readFileText(note));
  const version = known && (await unlessMissing(stat(path))) ? (JSON.parse(known) as Version) : undefined;
  const fresh = await download(url, version?.etag || version?.modified ? version : undefined);
  if (fresh) {
    await rm(note, { force: true });
    await save(path, fresh.chunks);
    await writeFileAtomically(note, JSON.stringify(fresh.version));
  }
  return fileSource(path, url);
}

async function save(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.cloze-tmp-${process.pid}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w');
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw ioError('write', path, error);
  }
}
