/** The runs that this browser keeps: a folder each, in the page's own file system. */
import { download } from '../../src/mlm/data/download.ts';
import { blobSource, type Source } from '../../src/mlm/data/sources.ts';
import { io, openFolder, removeEntry, writeFile } from '../../src/mlm/storage/opfs.browser.ts';
import { OpfsStore } from '../../src/mlm/storage/opfs-store.browser.ts';
import type { LoggedEvent, RunRecord, TextSource } from '../protocol.ts';

const root = ['cloze'];
const runsPath = [...root, 'runs'];
const shardsName = 'shards';
const recordFile = 'run.json';
const textsFile = 'texts.json';

export function openRun(id: string): Promise<OpfsStore> {
  return OpfsStore.open([...runsPath, id]);
}

/** All runs, the newest first. What holds no readable record is a run that was cut off before it began, and is passed over. */
export async function listRuns(): Promise<RunRecord[]> {
  const folder = await openFolder(runsPath);
  const records: RunRecord[] = [];
  for await (const id of folder.keys()) {
    const record = await readRecord(id).catch(() => undefined);
    if (record) records.push(record);
  }
  return records.sort((a, b) => b.began - a.began);
}

export async function readRecord(id: string): Promise<RunRecord | undefined> {
  const text = await (await openRun(id)).readText(recordFile);
  return text === undefined ? undefined : JSON.parse(text);
}

export async function writeRecord(store: OpfsStore, record: RunRecord): Promise<void> {
  await store.write(recordFile, JSON.stringify(record));
}

/** The texts of a run that reads others than the built-in ones. */
export async function readTexts(store: OpfsStore): Promise<Source[] | undefined> {
  const names = await store.readText(textsFile);
  if (names === undefined) return undefined;
  const folder = await textsFolder(store);
  return Promise.all(
    (JSON.parse(names) as string[]).map(async (name, i) => {
      const handle = await folder.getFileHandle(`${i}`);
      return blobSource(name, await handle.getFile());
    }),
  );
}

/** Keeps copies of texts, so that the run survives a reload; what an address names is downloaded. */
export async function writeTexts(store: OpfsStore, texts: readonly TextSource[]): Promise<void> {
  const folder = await textsFolder(store);
  for (const [i, { name, file }] of texts.entries()) {
    await writeFile(folder, `${i}`, file ?? (await download(name)).chunks);
  }
  await store.write(textsFile, JSON.stringify(texts.map(({ name }) => name)));
}

function textsFolder({ folder }: OpfsStore): Promise<FileSystemDirectoryHandle> {
  return io(folder.getDirectoryHandle('texts', { create: true }));
}

/** Steps and validations, in the order in which they came. */
export async function readHistory(store: OpfsStore): Promise<LoggedEvent[]> {
  const log = (await store.readText('metrics.jsonl')) ?? '';
  return log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

/** Removes a run, and with the last one all tokens of large texts. */
export async function removeRun(id: string): Promise<void> {
  await removeEntry(await openFolder(runsPath), id);
  if ((await listRuns()).length === 0) await removeEntry(await openFolder(root), shardsName);
}

/** Where the tokens of large texts are kept, whichever run reads them. */
export function shardsFolder(): Promise<FileSystemDirectoryHandle> {
  return openFolder([...root, shardsName]);
}
