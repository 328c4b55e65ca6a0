// An IndexedDB that dies at a chosen point: the page is gone from there on, and what its open transaction did is undone.

import 'fake-indexeddb/auto';

export class Crash extends Error {
  override readonly name = 'Crash';
}

const STORE_METHODS = ['get', 'getAll', 'getAllKeys', 'put', 'delete'] as const;

/**
 * Counts the points at which a page can die (before each transaction and each request) while `work` runs, and dies at the
 * point `dieAt`. Returns how many points there were; `work` is expected to fail when it dies.
 */
export async function runUntilCrash(dieAt: number, work: () => Promise<unknown>): Promise<number> {
  let points = 0;
  const reach = (transaction?: IDBTransaction): void => {
    points++;
    if (points < dieAt) return;
    try {
      if (points === dieAt) transaction?.abort();
    } catch {
      // Already over.
    }
    throw new Crash(`the page died at point ${dieAt}`);
  };

  const store = IDBObjectStore.prototype;
  const database = IDBDatabase.prototype;
  const originals = STORE_METHODS.map(
    (name) => [name, Object.getOwnPropertyDescriptor(store, name)] as const,
  );
  const begin = Object.getOwnPropertyDescriptor(database, 'transaction');
  for (const [name, original] of originals) {
    Object.defineProperty(store, name, {
      ...original,
      value(this: IDBObjectStore, ...args: unknown[]): unknown {
        reach(this.transaction);
        return Reflect.apply(original?.value as (...all: unknown[]) => unknown, this, args);
      },
    });
  }
  Object.defineProperty(database, 'transaction', {
    ...begin,
    value(this: IDBDatabase, ...args: unknown[]): unknown {
      reach();
      return Reflect.apply(begin?.value as (...all: unknown[]) => unknown, this, args);
    },
  });
  try {
    await work();
  } catch (error) {
    if (points < dieAt) throw error;
  } finally {
    for (const [name, original] of originals) Object.defineProperty(store, name, original ?? {});
    Object.defineProperty(database, 'transaction', begin ?? {});
  }
  return points;
}

/** Until restored, every transaction that writes completes, and its page is told that it was aborted. */
export function makeCommitsAmbiguous(): () => void {
  const database = IDBDatabase.prototype;
  const begin = Object.getOwnPropertyDescriptor(database, 'transaction');
  Object.defineProperty(database, 'transaction', {
    ...begin,
    value(this: IDBDatabase, ...args: Parameters<IDBDatabase['transaction']>): IDBTransaction {
      const transaction = Reflect.apply(begin?.value as IDBDatabase['transaction'], this, args);
      if (args[1] !== 'readwrite') return transaction;
      const listen = transaction.addEventListener.bind(transaction);
      Object.defineProperty(transaction, 'addEventListener', {
        value: (type: string, listener: EventListener) => {
          if (type !== 'complete') listen(type === 'abort' ? 'complete' : type, listener);
        },
      });
      return transaction;
    },
  });
  return () => Object.defineProperty(database, 'transaction', begin ?? {});
}

/** Until restored, every put into the store of this name throws. */
export function makePutsFail(storeName: string, error: () => Error): () => void {
  const store = IDBObjectStore.prototype;
  const put = Object.getOwnPropertyDescriptor(store, 'put');
  Object.defineProperty(store, 'put', {
    ...put,
    value(this: IDBObjectStore, ...args: unknown[]): unknown {
      if (this.name === storeName) throw error();
      return Reflect.apply(put?.value as (...all: unknown[]) => unknown, this, args);
    },
  });
  return () => Object.defineProperty(store, 'put', put ?? {});
}
