// Records on a simulated disk: written in order, refused, or landed without anybody being told; and what a death does to those in flight.

/** A record `V` on its way to the disk under the key `K`, written by `By`. */
interface Write<K, V, By> {
  readonly by: By;
  readonly key: K;
  readonly record: V;
}

export interface Disk<K, V, By> {
  readonly records: Map<K, V>;
  writes: Write<K, V, By>[];
  /** Faults in force: nothing can be written; or it lands, and the writer is told that it failed. */
  refusing: number;
  ambiguous: number;
  /** Transactions on one store complete in the order in which they were begun. */
  busyUntil: number;
}

export const createDisk = <K, V, By>(): Disk<K, V, By> => ({
  records: new Map(),
  writes: [],
  refusing: 0,
  ambiguous: 0,
  busyUntil: 0,
});

export function beginWrite<K, V, By>(disk: Disk<K, V, By>, by: By, key: K, record: V): Write<K, V, By> {
  const write = { by, key, record };
  disk.writes.push(write);
  return write;
}

/** Ends a write; true when its writer is told that it landed. A write that death has settled already is passed over. */
export function endWrite<K, V, By>(disk: Disk<K, V, By>, write: Write<K, V, By>): boolean | 'settled' {
  const at = disk.writes.indexOf(write);
  if (at < 0) return 'settled';
  disk.writes.splice(at, 1);
  if (disk.refusing > 0) return false;
  disk.records.set(write.key, write.record);
  return disk.ambiguous === 0;
}

/** Somebody dies with writes in flight: some first ones land though nobody hears of it, the others never do. */
export function settleWrites<K, V, By>(
  disk: Disk<K, V, By>,
  dead: By,
  landed: (count: number) => number,
): void {
  const inFlight = disk.writes.filter((write) => write.by === dead);
  disk.writes = disk.writes.filter((write) => write.by !== dead);
  const count = disk.refusing > 0 || inFlight.length === 0 ? 0 : landed(inFlight.length);
  for (const { key, record } of inFlight.slice(0, count)) disk.records.set(key, record);
}
