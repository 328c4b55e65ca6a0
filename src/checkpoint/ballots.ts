// A seat's ballots in IndexedDB, in a database of their own: a tab that stops while it saves a checkpoint blocks no vote.

import type { DBSchema } from 'idb';
import type { BallotStore } from '../ports/store.ts';
import { createDatabase } from './database.ts';

interface BallotSchema extends DBSchema {
  /** Keyed by seat. */
  ballots: { key: string; value: unknown };
}

export const BALLOT_DATABASE = 'rankfall-ballots';
const DEADLINE_MS = 10_000;

export interface BrowserBallotStore extends BallotStore {
  /** Lets the connection go. A later call opens it again. */
  close(): void;
}

/**
 * `save` resolves once the record is on the disk, and saves land in the order of the calls. A rejected save may have
 * landed all the same: whoever goes on has abstained, and reads the record before voting again.
 */
export function openBallotStore(
  databaseName = BALLOT_DATABASE,
  deadlineMs = DEADLINE_MS,
): BrowserBallotStore {
  const database = createDatabase<BallotSchema>({
    name: databaseName,
    version: 1,
    deadlineMs,
    upgrade(connection) {
      connection.createObjectStore('ballots');
    },
  });
  return {
    load: (seat) =>
      database.read("read a seat's ballots", (transaction) => transaction.objectStore('ballots').get(seat)),
    save: (seat, record) =>
      database.write("store a seat's ballots", async (transaction) => {
        await transaction.objectStore('ballots').put(record, seat);
      }),
    delete: (seat) =>
      database.write("delete a seat's ballots", async (transaction) => {
        await transaction.objectStore('ballots').delete(seat);
      }),
    close: () => {
      database.close();
    },
  };
}
