// A record as a line of the trace hash. Who is in a large generation is said by each of its members: there the list stands as its own
// digest, so that a generation of n costs each of them a line, and not n names.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { TraceRecord } from '../trace/events.ts';

/** Longer lists are digested. */
const LISTED = 64;

/** Lists that all members share are digested once. */
const digests = new WeakMap<readonly string[], string>();

function digestOf(list: readonly string[]): string {
  let digest = digests.get(list);
  if (digest === undefined) {
    digest = bytesToHex(sha256(utf8ToBytes(list.join())));
    digests.set(list, digest);
  }
  return digest;
}

export function traceLine(record: TraceRecord): string {
  const { event } = record;
  if (event.kind !== 'installed' || event.members.length <= LISTED) return JSON.stringify(record);
  return JSON.stringify({
    ...record,
    event: { ...event, members: digestOf(event.members), seats: digestOf(event.seats) },
  });
}
