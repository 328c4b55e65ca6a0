// A stored checkpoint that rots: for the fault injector, and for nobody else.

import { openDB } from 'idb';
import { readManifest } from './manifest.ts';
import { newestFirst } from './retention.ts';
import { CHECKPOINT_DATABASE } from './store.ts';

/** Flips one bit of what is stored of the newest checkpoint of a room, and leaves its manifest as it is. Returns what became of it. */
export async function damageNewestCheckpoint(
  room: string,
  databaseName = CHECKPOINT_DATABASE,
): Promise<string> {
  const database = await openDB(databaseName);
  try {
    if (!database.objectStoreNames.contains('manifests')) return 'no checkpoint is stored';
    const transaction = database.transaction(['manifests', 'pieces'], 'readwrite');
    const stored: readonly unknown[] = await transaction.objectStore('manifests').getAll();
    const [newest] = newestFirst(stored.flatMap((value) => readManifest(value) ?? [])).filter(
      (manifest) => manifest.room === room,
    );
    const hash = newest?.pieces.at(-1)?.hash;
    if (newest === undefined || hash === undefined) return 'no checkpoint is stored';
    const pieces = transaction.objectStore('pieces');
    const piece: unknown = await pieces.get(hash);
    if (!(piece instanceof Uint8Array)) return 'its checkpoint is damaged already';
    const damaged = piece.slice();
    const middle = damaged.length >>> 1;
    damaged[middle] = (damaged[middle] ?? 0) ^ 1;
    await pieces.put(damaged, hash);
    await transaction.done;
    return `the checkpoint of step ${newest.step} has a flipped bit`;
  } finally {
    database.close();
  }
}
