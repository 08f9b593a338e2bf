/** IndexedDB, as promises. One transaction a call; what fails leaves nothing half done. */

export type Change = { store: string; put: unknown } | { store: string; remove: IDBValidKey | IDBKeyRange } | { store: string; clear: true };

/** Opens a database and brings it to its version. `lost` is called when it is gone for good. */
export function open(name: string, version: number, upgrade: (database: IDBDatabase, from: number) => void, lost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    request.onerror = () => reject(request.error ?? new Error('the database cannot be opened'));
    // An older page holds it: better without a cache than waiting for somebody to close a tab.
    request.onblocked = () => reject(new Error('an older page holds the database'));
    request.onsuccess = () => {
      const database = request.result;
      database.onversionchange = () => {
        database.close();
        lost();
      };
      database.onclose = lost;
      resolve(database);
    };
  });
}

/** All values of a store. */
export function all<T>(database: IDBDatabase, store: string): Promise<T[]> {
  return answered(database.transaction(store).objectStore(store).getAll() as IDBRequest<T[]>);
}

export function one<T>(database: IDBDatabase, store: string, key: IDBValidKey): Promise<T | undefined> {
  return answered(database.transaction(store).objectStore(store).get(key) as IDBRequest<T | undefined>);
}

/**
 * Makes all changes or none. `durability` `strict` waits until they are on the disk itself, for what
 * nobody could say again.
 */
export function change(database: IDBDatabase, changes: Change[], durability: IDBTransactionDurability = 'relaxed'): Promise<void> {
  if (changes.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stores = [...new Set(changes.map((it) => it.store))];
    const transaction = database.transaction(stores, 'readwrite', { durability });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error('the transaction was given up'));
    for (const it of changes) {
      const store = transaction.objectStore(it.store);
      if ('put' in it) store.put(it.put);
      else if ('remove' in it) store.delete(it.remove);
      else store.clear();
    }
    // Not waiting for the next turn of the loop: the page may be gone by then.
    transaction.commit();
  });
}

/** Done when it is gone, or will be as soon as no other page holds it. */
export function destroy(name: string): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

function answered<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database does not answer'));
  });
}
