// How much is made of a peer's messages that cannot be read. The core asks everybody again for what such a message may have held: one bad
// link costs a few of them now and then, but a member that sends them by the thousand would have this rank flood the others.

import type { MemberId } from '../ports/ids.ts';

/** Told to the core in a second, of each peer; what else was lost, its timers find missing. */
const TOLD_PER_SECOND = 100;

/** Whether the core is to be told of another such message, at `now` in milliseconds. */
export function createGarbledBudget(): (from: MemberId, now: number) => boolean {
  let second = 0;
  const counts = new Map<MemberId, number>();
  return (from, now) => {
    if (now - second >= 1_000) {
      second = now;
      counts.clear();
    }
    const count = (counts.get(from) ?? 0) + 1;
    counts.set(from, count);
    return count <= TOLD_PER_SECOND;
  };
}
