// A generation: one agreed membership, numbered, with its ring order; and the electorate that chooses its successor.

import { mix32 } from '../collective/digest.ts';
import type { GenerationId, IncarnationId, MemberId, SeatId, StateHash } from '../ports/ids.ts';
import type { UpdateMode } from '../ports/engine.ts';
import type { Exactness } from '../trace/events.ts';

export interface Member {
  readonly member: MemberId;
  /** The seat that the member brings to the electorate. */
  readonly seat: SeatId;
  /** Hash of the engine's probe step: equal where the arithmetic is equal. */
  readonly fingerprint: string;
}

/** A state that was committed and saved. */
export interface SavedPlace {
  readonly step: number;
  readonly hash: StateHash;
}

/** Where a generation was chosen to go back to: `founder` has the checkpoint. */
export interface Rollback extends SavedPlace {
  readonly founder: MemberId;
}

/** Incarnations that one of them remembers to have taken the place of: a room rarely goes back once. */
export const MAX_REPLACED = 16;

export interface Generation {
  readonly id: GenerationId;
  /** In ring order: a member's index is its rank, and it sends to the next one. */
  readonly members: readonly Member[];
  readonly updateMode: UpdateMode;
  readonly exactness: Exactness;
  /**
   * The newest generation of this incarnation that may have committed a step. A state that an older one vouched for must not
   * be gone on from in this incarnation: committed steps would be taken back.
   */
  readonly floor: number;
  /** Whether the room trains, as its proposer saw it; a pause is agreed later through the lanes. */
  readonly running: boolean;
  /** The seat of a witness, which votes on the successor and does nothing else. */
  readonly witness?: SeatId | undefined;
  /**
   * Pairs of ranks, the lesser first, that had no working link when this generation was chosen: what they tell each other goes over a
   * member that has links with both. Absent: every two have one, or the generation is a hierarchy.
   */
  readonly apart?: readonly (readonly [number, number])[] | undefined;
  /** The members have agreed to go back: this generation takes no step, and makes way for an incarnation that begins there. */
  readonly back?: Rollback | undefined;
  /** Incarnations that this one has taken the place of by such an agreement, the latest first. */
  readonly insteadOf?: readonly IncarnationId[] | undefined;
}

/** What is asked of a generation at every message, worked out once for each: a generation is never changed. */
interface Index {
  readonly ranks: ReadonlyMap<MemberId, number>;
  readonly members: readonly MemberId[];
  readonly ownSeats: readonly SeatId[];
  readonly electorate: readonly SeatId[];
  readonly seats: ReadonlyMap<SeatId, MemberId>;
  readonly apart: ReadonlyMap<MemberId, readonly MemberId[]>;
  readonly text: string;
}

const indices = new WeakMap<Generation, Index>();
/** The one that was asked for last: mostly it is asked for again. */
let latest: { readonly of: Generation; readonly index: Index } | undefined;

function indexOf(generation: Generation): Index {
  if (latest?.of === generation) return latest.index;
  const index = indices.get(generation) ?? createIndex(generation);
  indices.set(generation, index);
  latest = { of: generation, index };
  return index;
}

function createIndex(generation: Generation): Index {
  const { members, witness } = generation;
  const ownSeats = members.map(({ seat }) => seat).sort();
  return {
    ranks: new Map(members.map(({ member }, rank) => [member, rank])),
    members: members.map(({ member }) => member),
    ownSeats,
    electorate: witness === undefined ? ownSeats : [...ownSeats, witness].sort(),
    seats: new Map(members.map(({ member, seat }) => [seat, member])),
    apart: apartOf(generation),
    text: describe(generation),
  };
}

function apartOf({ members, apart = [] }: Generation): ReadonlyMap<MemberId, readonly MemberId[]> {
  const map = new Map<MemberId, MemberId[]>();
  const add = (one: MemberId, other: MemberId): void => {
    map.set(one, [...(map.get(one) ?? []), other]);
  };
  for (const [i, j] of apart) {
    const [a, b] = [members[i]?.member, members[j]?.member];
    if (a === undefined || b === undefined) continue;
    add(a, b);
    add(b, a);
  }
  return map;
}

/** Its members, in ring order. */
export const membersOf = (generation: Generation): readonly MemberId[] => indexOf(generation).members;

/** The seats that its members brought, in code-unit order. */
export const memberSeats = (generation: Generation): readonly SeatId[] => indexOf(generation).ownSeats;

/** Seats that vote for the generation's successor, in code-unit order (the order decides ties). */
export const electorate = (generation: Generation): readonly SeatId[] => indexOf(generation).electorate;

/** The member that brought a seat to the electorate. */
export const ownerOf = (generation: Generation, seat: SeatId): MemberId | undefined =>
  indexOf(generation).seats.get(seat);

/** A member's place in the ring; -1 for no member. */
export const rankOf = (generation: Generation, member: MemberId): number =>
  indexOf(generation).ranks.get(member) ?? -1;

export const NOBODY: readonly MemberId[] = [];

/** Members with which this one had no working link when the generation was chosen. */
export const apartFrom = (generation: Generation, member: MemberId): readonly MemberId[] =>
  indexOf(generation).apart.get(member) ?? NOBODY;

export const isApart = (generation: Generation, one: MemberId, other: MemberId): boolean =>
  generation.apart !== undefined && apartFrom(generation, one).includes(other);

/** Pairs without a working link when the generation was chosen. */
export function namesApart(generation: Generation): readonly (readonly [MemberId, MemberId])[] {
  const members = membersOf(generation);
  return (generation.apart ?? []).flatMap(([i, j]) => {
    const [one, other] = [members[i], members[j]];
    return one === undefined || other === undefined ? [] : [[one, other] as const];
  });
}

export const isIn = (generation: Generation, member: MemberId): boolean => rankOf(generation, member) >= 0;

const departures = new WeakMap<
  Generation,
  { readonly base: Generation; readonly gone: readonly MemberId[] }
>();

/** Members of `base` that have no place in its successor: worked out once for all that install it. */
export function departedFrom(base: Generation, next: Generation): readonly MemberId[] {
  const known = departures.get(next);
  if (known?.base === base) return known.gone;
  const gone = membersOf(base).filter((member) => !isIn(next, member));
  departures.set(next, { base, gone });
  return gone;
}

/** One line that names a value in logs. */
export const describeGeneration = (generation: Generation): string => indexOf(generation).text;

/** So many members are named one by one. */
const NAMED_MEMBERS = 64;

/**
 * The number, then the members in ring order, shortened, the witness, who is apart, and where it goes back
 * to; of a large generation, how many and a digest of them all.
 */
function describe({ id, members, witness, apart = [], back }: Generation): string {
  const then = back === undefined ? '' : ` back to step ${back.step} of ${back.founder.slice(0, 4)}`;
  if (members.length <= NAMED_MEMBERS) {
    const named = members.map((m) => m.member.slice(0, 4)).join(',');
    const voter = witness === undefined ? '' : ` with witness ${witness.slice(0, 4)}`;
    const gaps = apart.length === 0 ? '' : ` apart ${apart.map((pair) => pair.join('-')).join(' ')}`;
    return `${id.number}:${named}${voter}${gaps}${then}`;
  }
  let [a, b] = [members.length, id.number];
  for (const { member } of members)
    for (let i = 0; i < member.length; i++) {
      const code = member.charCodeAt(i);
      a = mix32(a ^ code);
      b = mix32(b + code);
    }
  const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
  return `${id.number}:${members.length} members ${hex(a)}${hex(b)}${then}`;
}
