// What a page remembers of the room's other pages beyond their connections: whose failed, who was refused, and until when it leaves them
// alone. Pure; time and chance come from outside, in milliseconds and in [0, 1).
//
// A page is told apart by its place as well: every place hears the ids of pages, so that a stranger can call by the id of another, but the
// signalling server says from which place. What he brings upon himself is not held against the other.

import { backoff } from './rendezvous.ts';
import type { PageId } from './rendezvous.ts';

const FIRST_CALL_RETRY_MS = 500;
const MOST_CALL_RETRY_MS = 30_000;
const FIRST_COOLING_MS = 2_000;
const MOST_COOLING_MS = 120_000;
/** A peer that is linked over another carrier is tried directly this seldom, in milliseconds: each try costs a connection. */
const LINKED_OTHERWISE_MS = 600_000;
/** How many are remembered. */
const MAX_ACQUAINTANCES = 256;

export interface Whereabouts {
  readonly page: PageId;
  readonly slot: number;
}

export interface Acquaintances {
  /** Whether its last failure is long enough ago. */
  mayCall(who: Whereabouts, now: number): boolean;
  /** Refused or dropped a short while ago: not called, and not let in either. */
  cooling(who: Whereabouts, now: number): boolean;
  /** Places of those who are cooling. */
  coolingSlots(now: number): readonly number[];
  /** A connection or a link broke, or never stood. How long to wait before the next try. */
  failed(who: Whereabouts, now: number, chance: number): number;
  /** It was refused or dropped, or refused us. For how long. */
  refused(who: Whereabouts, now: number, chance: number): number;
  linkedOtherwise(who: Whereabouts, now: number): void;
  /** It has proved the secret. */
  proven(who: Whereabouts): void;
}

interface Acquaintance {
  readonly slot: number;
  failures: number;
  refusals: number;
  callNotBefore: number;
  coolUntil: number;
}

const keyOf = ({ page, slot }: Whereabouts): string => `${page} ${slot}`;

export function createAcquaintances(): Acquaintances {
  const known = new Map<string, Acquaintance>();

  /** The one that was last heard of is the last to be forgotten. */
  function remember(who: Whereabouts): Acquaintance {
    const key = keyOf(who);
    const it = known.get(key) ?? {
      slot: who.slot,
      failures: 0,
      refusals: 0,
      callNotBefore: 0,
      coolUntil: 0,
    };
    known.delete(key);
    known.set(key, it);
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size > MAX_ACQUAINTANCES) known.delete(oldest);
    return it;
  }

  return {
    mayCall: (who, now) => now >= (known.get(keyOf(who))?.callNotBefore ?? 0),
    cooling: (who, now) => now < (known.get(keyOf(who))?.coolUntil ?? 0),
    coolingSlots: (now) =>
      [...known.values()].filter(({ coolUntil }) => now < coolUntil).map(({ slot }) => slot),
    failed(who, now, chance) {
      const it = remember(who);
      const pauseMs = backoff(it.failures, FIRST_CALL_RETRY_MS, MOST_CALL_RETRY_MS, chance);
      it.failures += 1;
      it.callNotBefore = now + pauseMs;
      return pauseMs;
    },
    refused(who, now, chance) {
      const it = remember(who);
      const pauseMs = backoff(it.refusals, FIRST_COOLING_MS, MOST_COOLING_MS, chance);
      it.refusals += 1;
      it.coolUntil = now + pauseMs;
      return pauseMs;
    },
    linkedOtherwise(who, now) {
      remember(who).coolUntil = now + LINKED_OTHERWISE_MS;
    },
    proven(who) {
      const it = known.get(keyOf(who));
      if (it !== undefined) it.failures = 0;
    },
  };
}
