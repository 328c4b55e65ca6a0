// One IndexedDB database that is opened when needed, survives losing its connection, and never keeps a caller waiting for ever.

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb';
import { noIndexedDb, notOpened, pastDeadline, storeErrorFrom } from './store-errors.ts';

export interface DatabaseOptions<Schema extends DBSchema> {
  readonly name: string;
  readonly version: number;
  readonly upgrade: (database: IDBPDatabase<Schema>) => void;
  /** Longest wait for each transaction, in milliseconds; for the connection, half of it. */
  readonly deadlineMs: number;
}

export type Transaction<Schema extends DBSchema, Mode extends IDBTransactionMode> = IDBPTransaction<
  Schema,
  StoreNames<Schema>[],
  Mode
>;

export interface Database<Schema extends DBSchema> {
  /**
   * Runs `body` in one transaction over all stores and resolves once it is complete; a write is then durable. When `body`
   * throws, the transaction is aborted and nothing has changed. `doing` completes the sentence "Could not …".
   *
   * Rejects with a `StoreError`. After `blocked` or `unavailable` a write may nevertheless have landed: read it back.
   */
  read<T>(doing: string, body: (transaction: Transaction<Schema, 'readonly'>) => Promise<T>): Promise<T>;
  /** As `read`. Writes of one `Database` are made in the order of the calls. */
  write<T>(doing: string, body: (transaction: Transaction<Schema, 'readwrite'>) => Promise<T>): Promise<T>;
  close(): void;
}

export function createDatabase<Schema extends DBSchema>(options: DatabaseOptions<Schema>): Database<Schema> {
  const { name, version, upgrade, deadlineMs } = options;
  let connection: Promise<IDBPDatabase<Schema>> | undefined;
  let writes: Promise<unknown> = Promise.resolve();

  function connect(doing: string): Promise<IDBPDatabase<Schema>> {
    if (connection !== undefined) return connection;
    if (!('indexedDB' in globalThis)) return Promise.reject(noIndexedDb(doing));
    let given = false;
    const opening = openDB<Schema>(name, version, {
      upgrade,
      // Another tab deletes or upgrades the database: let it; the next call opens what is there then.
      blocking: () => {
        forget();
      },
      terminated: () => {
        forget();
      },
    });
    const forget = (): void => {
      if (connection === current) connection = undefined;
      void opening.then((database) => database.close(), ignore);
    };
    const openMs = deadlineMs / 2;
    const current = withDeadline(opening, openMs, () => {
      given = true;
      return notOpened(doing, openMs);
    });
    connection = current;
    current.catch(() => {
      if (connection === current) connection = undefined;
      if (given) forget();
    });
    return current;
  }

  async function begin<Mode extends 'readonly' | 'readwrite'>(
    doing: string,
    mode: Mode,
  ): Promise<Transaction<Schema, Mode>> {
    const open = async (): Promise<Transaction<Schema, Mode>> => {
      const database = await connect(doing);
      // Strict: complete means on the disk, not in the operating system's cache.
      return database.transaction([...database.objectStoreNames], mode, { durability: 'strict' });
    };
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
      // The connection closed under us, and nothing has happened yet.
      connection = undefined;
      return await open();
    }
  }

  async function run<Mode extends 'readonly' | 'readwrite', T>(
    doing: string,
    mode: Mode,
    body: (transaction: Transaction<Schema, Mode>) => Promise<T>,
  ): Promise<T> {
    try {
      const transaction = await begin(doing, mode);
      return await withDeadline(finish(transaction, body), deadlineMs, () => {
        abort(transaction);
        return pastDeadline(doing, deadlineMs, 'another tab of this browser keeps a transaction open');
      });
    } catch (error) {
      throw storeErrorFrom(error, doing);
    }
  }

  return {
    read: (doing, body) => run(doing, 'readonly', body),
    write(doing, body) {
      const result = writes.then(() => run(doing, 'readwrite', body));
      writes = result.catch(ignore);
      return result;
    },
    close() {
      const open = connection;
      connection = undefined;
      void open?.then((database) => database.close(), ignore);
    },
  };
}

/** Waits for body and transaction, and tells apart what the body threw from what the browser aborted for. */
async function finish<Schema extends DBSchema, Mode extends IDBTransactionMode, T>(
  transaction: Transaction<Schema, Mode>,
  body: (transaction: Transaction<Schema, Mode>) => Promise<T>,
): Promise<T> {
  const outcome = transaction.done.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  let result: T;
  try {
    result = await body(transaction);
  } catch (error) {
    abort(transaction);
    const aborted = await outcome;
    // A request that fails because the browser aborts says only "aborted"; the transaction knows why.
    const saysOnlyAborted = error instanceof DOMException && error.name === 'AbortError';
    throw saysOnlyAborted && aborted !== undefined ? aborted.error : error;
  }
  const aborted = await outcome;
  if (aborted !== undefined) throw aborted.error;
  return result;
}

function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch {
    // It is already finished.
  }
}

function withDeadline<T>(promise: Promise<T>, ms: number, error: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(error());
    }, ms);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}

const ignore = (): void => undefined;
