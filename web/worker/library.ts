/** The runs that this browser keeps: a folder each, in the page's own file system. */
import { OpfsStore, openFolder, removeEntry } from '../../src/mlm/opfs-store.browser.ts';
import type { LoggedEvent, RunRecord, StoredText } from '../protocol.ts';

const runsPath = ['cloze', 'runs'];
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
export async function readTexts(store: OpfsStore): Promise<StoredText[] | undefined> {
  const text = await store.readText(textsFile);
  return text === undefined ? undefined : JSON.parse(text);
}

export async function writeTexts(store: OpfsStore, texts: readonly StoredText[]): Promise<void> {
  await store.write(textsFile, JSON.stringify(texts));
}

/** Steps and validations, in the order in which they came. */
export async function readHistory(store: OpfsStore): Promise<LoggedEvent[]> {
  const log = (await store.readText('metrics.jsonl')) ?? '';
  return log
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

export async function removeRun(id: string): Promise<void> {
  await removeEntry(await openFolder(runsPath), id);
}
