// Texts that a person brought, kept in this browser under the SHA-256 of their bytes, so that every rank of the browser finds them.

import { openDB } from 'idb';
import type { DBSchema, IDBPDatabase } from 'idb';
import { decodeText } from '../engine/data/text.ts';
import type { Text } from '../engine/data/text.ts';

interface TextSchema extends DBSchema {
  texts: { key: string; value: { readonly bytes: Uint8Array; readonly savedAt: number } };
}

/** Texts kept: older ones make room. */
const KEPT = 8;

const open = (): Promise<IDBPDatabase<TextSchema>> =>
  openDB<TextSchema>('rankfall-texts', 1, {
    upgrade(database) {
      database.createObjectStore('texts');
    },
  });

/** Checks a file's bytes and keeps them. Rejects with a `LoaderError` when they are no text that can be learned. */
export async function keepText(bytes: Uint8Array, name: string): Promise<Text> {
  const text = decodeText(bytes, `“${name}”`);
  const database = await open();
  try {
    const transaction = database.transaction('texts', 'readwrite');
    await transaction.store.put({ bytes, savedAt: Date.now() }, text.sha256);
    const [keys, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    const byAge = keys
      .map((key, i) => ({ key, savedAt: values[i]?.savedAt ?? 0 }))
      .sort((a, b) => b.savedAt - a.savedAt);
    for (const { key } of byAge.slice(KEPT)) await transaction.store.delete(key);
    await transaction.done;
  } finally {
    database.close();
  }
  return text;
}

/** The bytes with that SHA-256, which whoever reads them verifies. */
export async function findText(sha256: string): Promise<Uint8Array | undefined> {
  const database = await open();
  try {
    return (await database.get('texts', sha256))?.bytes;
  } finally {
    database.close();
  }
}
