// Texts that a person brought, kept in this browser under the SHA-256 of their bytes, so that every rank of the browser finds them.

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';

interface TextSchema extends DBSchema {
  texts: { key: string; value: { readonly bytes: Uint8Array; readonly savedAt: number } };
}

const open = (): Promise<IDBPDatabase<TextSchema>> =>
  openDB<TextSchema>('rankfall-texts', 1, {
    upgrade(database) {
      database.createObjectStore('texts');
    },
  });

/** The bytes with that SHA-256, which whoever reads them verifies. */
export async function findText(sha256: string): Promise<Uint8Array | undefined> {
  const database = await open();
  try {
    return (await database.get('texts', sha256))?.bytes;
  } finally {
    database.close();
  }
}
