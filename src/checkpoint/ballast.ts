// Storage that a fault takes up for real, in a database of its own. What a page that died has left there goes when the next one opens it.

import type { DBSchema } from 'idb';
import { createDatabase } from './database.ts';

interface BallastSchema extends DBSchema {
  /** Keyed by when it was stored, in milliseconds since the epoch, by whom, and which of theirs it is. */
  ballast: { key: [at: number, owner: string, number: number]; value: Uint8Array<ArrayBuffer> };
}

const DEADLINE_MS = 10_000;
/** What `crypto.getRandomValues` fills at once. */
const RANDOM_BYTES = 65_536;

export interface BrowserBallast {
  store(id: string, bytes: number): Promise<void>;
  release(id: string): Promise<void>;
}

/** What is older than `longestMs` is nobody's any more. `owner` is unique to this page. */
export function openBallast(owner: string, longestMs: number, now: () => number): BrowserBallast {
  const database = createDatabase<BallastSchema>({
    name: 'rankfall-ballast',
    version: 1,
    deadlineMs: DEADLINE_MS,
    upgrade(connection) {
      connection.createObjectStore('ballast');
    },
  });
  const held = new Map<string, [at: number, owner: string, number: number][]>();
  let stored = 0;
  return {
    async store(id, bytes) {
      const key: [number, string, number] = [now(), owner, stored++];
      const value = incompressible(bytes);
      // Whether it lands or not: a write that failed may have landed.
      held.set(id, [...(held.get(id) ?? []), key]);
      await database.write('take up storage', async (transaction) => {
        const ballast = transaction.objectStore('ballast');
        await ballast.delete(IDBKeyRange.upperBound([now() - longestMs]));
        await ballast.put(value, key);
      });
    },
    async release(id) {
      const keys = held.get(id) ?? [];
      held.delete(id);
      await database.write('give storage back', async (transaction) => {
        const ballast = transaction.objectStore('ballast');
        await Promise.all(keys.map((key) => ballast.delete(key)));
      });
    },
  };
}

/** Databases compress what they store. */
function incompressible(bytes: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += RANDOM_BYTES)
    crypto.getRandomValues(value.subarray(at, at + RANDOM_BYTES));
  return value;
}
