// A generation: one agreed membership, numbered, with its ring order; and the electorate that chooses its successor.

import type { GenerationId, MemberId, SeatId } from '../ports/ids.ts';
import type { UpdateMode } from '../ports/engine.ts';
import type { Exactness } from '../trace/events.ts';

export interface Member {
  readonly member: MemberId;
  /** The seat that the member brings to the electorate. */
  readonly seat: SeatId;
  /** Hash of the engine's probe step: equal where the arithmetic is equal. */
  readonly fingerprint: string;
}

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
}

/** Seats that vote for the generation's successor, in code-unit order (the order decides ties). */
export const electorate = (generation: Generation): readonly SeatId[] =>
  generation.members.map((m) => m.seat).sort();

export const rankOf = (generation: Generation, member: MemberId): number =>
  generation.members.findIndex((m) => m.member === member);

/** One line that names a value in logs: number, then the members in ring order, shortened. */
export const describeGeneration = (generation: Generation): string =>
  `${generation.id.number}:${generation.members.map((m) => m.member.slice(0, 4)).join(',')}`;

export const isIn = (generation: Generation, member: MemberId): boolean => rankOf(generation, member) >= 0;
