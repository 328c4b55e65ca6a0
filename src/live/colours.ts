// One colour per rank on all pages of a room: a rank claims a slot when it becomes a member and tells the others, who tell whoever comes
// later. Beside the protocol: nothing of it is decided by what is worn. Pure.
//
// A claim is a number that only its own rank raises, and only ever upwards, so that of two claims of one rank the greater is the newer,
// in whatever order they come. Its slot is the claim modulo SLOTS. Where two living ranks wear the same slot while another is free, the
// one with the lower member id keeps it and the other raises its claim to a free one. So the lowest never moves, the next moves at most
// once more when it knows the lowest's, and so on: once all have heard of all, every rank wears its own and all agree on it.

import type { MemberId } from '../ports/ids.ts';
import { MAX_CLAIM, type Claim } from '../protocol/messages.ts';
import { isRinged, SLOTS } from '../trace/looks.ts';

/** Claims that are remembered beside those of the living: what the dead wore is given out last, and logs still speak of them. */
const REMEMBERED = 64;

export interface Worn {
  readonly member: MemberId;
  /** From 0 to `SLOTS - 1`. */
  readonly slot: number;
}

export interface RoomColours {
  /** The generation in force has these members. Returns what every linked rank is to be told. */
  alive(members: readonly MemberId[]): readonly Claim[];
  /** Another rank tells what it knows. Returns what every linked rank is to be told. */
  heard(claims: readonly Claim[]): readonly Claim[];
  /** This rank's slot; undefined until it has been a member. */
  readonly own: () => number | undefined;
  /** What a rank is told with which a link has come up. */
  readonly claims: () => readonly Claim[];
  /** What everybody wears: the living, whether or not their claim has come, and those remembered. */
  readonly worn: () => readonly Worn[];
}

export function createRoomColours(self: MemberId): RoomColours {
  /** In the order of their last change. */
  const claims = new Map<MemberId, number>();
  let living: ReadonlySet<MemberId> = new Set();

  const slotOf = (member: MemberId): number | undefined => {
    const claim = claims.get(member);
    return claim === undefined ? undefined : claim % SLOTS;
  };

  /** How many wear each slot: among the living, but for one of them; and among those remembered. */
  function wearers(but?: MemberId): { readonly taken: number[]; readonly before: number[] } {
    const taken = Array.from({ length: SLOTS }, () => 0);
    const before = [...taken];
    for (const [member, claim] of claims) {
      if (member === but) continue;
      const counts = living.has(member) ? taken : before;
      const slot = claim % SLOTS;
      counts[slot] = (counts[slot] ?? 0) + 1;
    }
    return { taken, before };
  }

  /** The best slot for a newcomer: worn by the fewest alive, plain before ringed, worn by the fewest before; then the lowest. */
  function best(taken: readonly number[], before: readonly number[]): number {
    const all = taken.map((count, slot) => ({ slot, count, ring: Number(isRinged(slot)) }));
    all.sort(
      (a, b) =>
        a.count - b.count ||
        a.ring - b.ring ||
        (before[a.slot] ?? 0) - (before[b.slot] ?? 0) ||
        a.slot - b.slot,
    );
    return all[0]?.slot ?? 0;
  }

  /** What members whose claim is not known are going to claim: ranks that know the same expect the same. */
  function expected(): ReadonlyMap<MemberId, number> {
    const without = [...living].filter((member) => !claims.has(member)).sort();
    const slots = new Map<MemberId, number>();
    if (without.length === 0) return slots;
    const { taken, before } = wearers();
    for (const member of without) {
      const slot = best(taken, before);
      taken[slot] = (taken[slot] ?? 0) + 1;
      slots.set(member, slot);
    }
    return slots;
  }

  /** This rank's next claim; undefined: it keeps what it has. */
  function nextClaim(): number | undefined {
    if (!living.has(self)) return undefined;
    const claim = claims.get(self);
    if (claim === undefined) return expected().get(self);
    const yields = [...living].some((other) => other < self && slotOf(other) === claim % SLOTS);
    if (!yields) return undefined;
    const { taken, before } = wearers(self);
    const slot = best(taken, before);
    if ((taken[slot] ?? 0) > 0) return undefined;
    const place = claim - (claim % SLOTS) + slot;
    const next = place > claim ? place : place + SLOTS;
    return next > MAX_CLAIM ? undefined : next;
  }

  /** Takes a claim, where it is newer than what is known. */
  function raise(member: MemberId, claim: number): boolean {
    if (claim <= (claims.get(member) ?? -1)) return false;
    claims.delete(member);
    claims.set(member, claim);
    return true;
  }

  function settle(): readonly Claim[] {
    const claim = nextClaim();
    if (claim === undefined || !raise(self, claim)) return [];
    return [{ member: self, claim }];
  }

  function forget(): void {
    const dead = [...claims.keys()].filter((member) => member !== self && !living.has(member));
    for (const member of dead.slice(0, -REMEMBERED)) claims.delete(member);
  }

  const known = (members: readonly MemberId[]): readonly Claim[] =>
    members.flatMap((member) => {
      const claim = claims.get(member);
      return claim === undefined ? [] : [{ member, claim }];
    });

  return {
    alive(members) {
      const before = living;
      living = new Set(members);
      forget();
      const own = settle();
      // Somebody may have no link with a newcomer, and have heard of it from nobody; a newcomer may have heard of nobody yet.
      const come = members.filter((member) => member !== self && !before.has(member));
      return own.length > 0 || come.length > 0 ? known([...come, self]) : [];
    },
    heard(told) {
      const news = told.filter(({ member, claim }) => raise(member, claim)).map(({ member }) => member);
      const own = settle();
      // Passed on is only what is said of members: so much, and no more, can be said of them.
      const passed = known([...new Set(news)].filter((member) => living.has(member)));
      forget();
      return own.length === 0 ? passed : [...passed.filter(({ member }) => member !== self), ...own];
    },
    own: () => slotOf(self),
    claims: () => known([...claims.keys()]),
    worn() {
      const slots = new Map([...claims].map(([member, claim]) => [member, claim % SLOTS]));
      for (const [member, slot] of expected()) slots.set(member, slot);
      return [...slots].map(([member, slot]) => ({ member, slot }));
    },
  };
}
