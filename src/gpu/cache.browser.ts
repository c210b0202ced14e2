/** Small texts in the page's IndexedDB, in the database `cloze`. Where there is none, as in Deno, nothing is found. */
import { ClozeError } from './errors.ts';
import type { TextCache } from './platform.ts';

const storeName = 'texts';

function finished<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Runs one request in a transaction of its own, and waits until it is written. */
async function access<T>(
  mode: IDBTransactionMode,
  ask: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open('cloze', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
  const database = await finished(opening);
  try {
    const transaction = database.transaction(storeName, mode);
    const written = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([finished(ask(transaction.objectStore(storeName))), written]);
    return result;
  } catch (cause) {
    throw new ClozeError('io', `IndexedDB: ${(cause as Error).message}`, undefined, { cause });
  } finally {
    database.close();
  }
}

const available = 'indexedDB' in globalThis;

export const cache: TextCache = {
  place: (name) => `IndexedDB: cloze/${storeName}/${name}`,

  async read(name) {
    return available ? access<string | undefined>('readonly', (store) => store.get(name)) : undefined;
  },

  async write(name, text) {
    if (!available) throw new ClozeError('io', 'there is no IndexedDB here to keep anything in');
    await access('readwrite', (store) => store.put(text, name));
  },

  async remove(name) {
    if (available) await access('readwrite', (store) => store.delete(name));
  },
};
