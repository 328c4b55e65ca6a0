// A database that another tab holds open in the version before.

import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import type { DBSchema } from 'idb';
import { describe, expect, test } from 'vitest';
import { createDatabase } from '../../../src/checkpoint/database.ts';
import { StoreError } from '../../../src/ports/store.ts';

interface Versions extends DBSchema {
  old: { key: string; value: string };
  new: { key: string; value: string };
}

const NAME = 'a database of two versions';

describe('an upgrade', () => {
  test('that another tab blocks is said in words, changes nothing, and is made once that tab lets go', async () => {
    // As a tab of the page before would that hangs: it does not close when it is asked to.
    const old = await openDB<Versions>(NAME, 1, {
      upgrade: (database) => void database.createObjectStore('old'),
    });
    await old.put('old', 'still here', 'key');
    const database = createDatabase<Versions>({
      name: NAME,
      version: 2,
      upgrade: (connection) => void connection.createObjectStore('new'),
      deadlineMs: 100,
    });
    const write = () =>
      database.write('save something', async (transaction) => {
        await transaction.objectStore('new').put('saved', 'key');
      });
    const error: unknown = await write().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      fault: 'blocked',
      message:
        'Could not save something within 50 ms: another tab holds the database while it is deleted or upgraded. Close other tabs of this site, or wake the one that hangs.',
    });
    expect(await old.get('old', 'key')).toBe('still here');

    old.close();
    await write();
    expect(
      await database.read('read both', async (transaction) => [
        await transaction.objectStore('old').get('key'),
        await transaction.objectStore('new').get('key'),
      ]),
    ).toEqual(['still here', 'saved']);
    database.close();
  });
});
