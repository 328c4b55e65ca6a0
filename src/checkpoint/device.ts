// What tells this browser profile from the others of a room. A secret that never leaves it, hashed with the room: in another room the
// same profile has another name.

import type { DBSchema } from 'idb';
import * as v from 'valibot';
import { isDeviceId } from '../ports/ids.ts';
import type { DeviceId } from '../ports/ids.ts';
import { createDatabase } from './database.ts';
import { sha256Hex } from './sha256.ts';

interface DeviceSchema extends DBSchema {
  device: { key: string; value: unknown };
}

const DEVICE_DATABASE = 'rankfall-device';
const DEADLINE_MS = 10_000;
const SECRET_BYTES = 16;
const ID_DIGITS = 32;
const SecretSchema = v.pipe(
  v.instance(Uint8Array),
  v.check((bytes) => bytes.length === SECRET_BYTES),
);

/** Rejects with a `StoreError` where nothing can be stored. */
export async function deviceIn(room: string, databaseName = DEVICE_DATABASE): Promise<DeviceId> {
  const database = createDatabase<DeviceSchema>({
    name: databaseName,
    version: 1,
    deadlineMs: DEADLINE_MS,
    upgrade(connection) {
      connection.createObjectStore('device');
    },
  });
  try {
    // One transaction, so that tabs that open at the same time find the same secret.
    const secret = await database.write('name this device', async (transaction) => {
      const store = transaction.objectStore('device');
      const found = v.safeParse(SecretSchema, await store.get('secret'));
      if (found.success) return found.output;
      const fresh = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
      await store.put(fresh, 'secret');
      return fresh;
    });
    const id = (await sha256Hex(new Uint8Array([...secret, ...new TextEncoder().encode(room)]))).slice(
      0,
      ID_DIGITS,
    );
    if (!isDeviceId(id)) throw new TypeError(`A device id has 32 hex digits, and this one is ${id}.`);
    return id;
  } finally {
    database.close();
  }
}
