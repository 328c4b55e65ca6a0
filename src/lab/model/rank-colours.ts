// One look per rank: which of the palette's colours a member wears, plain or ringed, for as long as the page remembers it.

import type { MemberId } from '../../ports/ids.ts';

/** As many as style/tokens.css defines (`--rank-0` …). */
export const COLOURS = 8;
/** Each colour comes plain, and once more with a ring for a room with more ranks than colours: slot `COLOURS + n` is colour n, ringed. */
export const SLOTS = 2 * COLOURS;

export const colourOf = (slot: number): number => slot % COLOURS;
export const isRinged = (slot: number): boolean => slot % SLOTS >= COLOURS;

export interface RankColours {
  /** The member's slot; one is chosen at first sight: in the ring's order, so that pages which see a room grow choose alike. */
  readonly slot: (member: MemberId) => number;
  /** The same, without choosing: what it would get now. */
  readonly glance: (member: MemberId) => number;
  /** The same, of one that was seen before. */
  readonly known: (member: MemberId) => number | undefined;
  /** Who is alive now: their slots are taken, and the others' go to newcomers, the longest unused first. */
  readonly alive: (members: readonly MemberId[]) => void;
}

export function createRankColours(): RankColours {
  const slots = new Map<MemberId, number>();
  let living = new Set<MemberId>();
  let clock = 0;
  /** When each slot was last given out or worn. */
  const worn: number[] = Array.from({ length: SLOTS }, () => 0);

  const glance = (member: MemberId): number => {
    const known = slots.get(member);
    if (known !== undefined) return known;
    const taken = new Set([...living].map((other) => slots.get(other)));
    const all = worn.map((since, slot) => ({ since, slot, taken: taken.has(slot) }));
    all.sort(
      (a, b) =>
        Number(a.taken) - Number(b.taken) ||
        // A ring is for whom no plain colour is left.
        Number(isRinged(a.slot)) - Number(isRinged(b.slot)) ||
        a.since - b.since ||
        a.slot - b.slot,
    );
    return all[0]?.slot ?? 0;
  };

  return {
    glance,
    slot(member) {
      const slot = glance(member);
      if (slots.has(member)) return slot;
      slots.set(member, slot);
      worn[slot] = ++clock;
      return slot;
    },
    known: (member) => slots.get(member),
    alive(members) {
      living = new Set(members);
      clock++;
      for (const member of living) {
        const slot = slots.get(member);
        if (slot !== undefined) worn[slot] = clock;
      }
    },
  };
}
