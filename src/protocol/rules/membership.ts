// Rules of membership: what is fenced off, what counts as evidence, who is taken in, who waits, and which room goes on.

import type { GenerationId, IncarnationId, MemberId } from '../../ports/ids.ts';
import { sameGeneration } from '../../ports/ids.ts';
import type { Evidence } from '../../ports/network.ts';
import type { Generation, Member } from '../generation.ts';
import type { Message } from '../messages.ts';

export interface RoomAge {
  readonly committed: number;
  readonly generation: GenerationId;
  /** Incarnations that it has taken the place of, because their members have agreed to go back. */
  readonly insteadOf?: readonly IncarnationId[] | undefined;
}

export interface MembershipRules {
  /** Fencing: whether a message of one generation may act on a rank in another. */
  inForce(message: GenerationId, own: GenerationId): boolean;
  /** Whether a message is kept that came before its receiver could use it: its generation or its round has not begun here. */
  keepsEarly(kind: Message['kind']): boolean;
  /** Whether this makes a peer suspected, and so a reason to regroup. It is never a vote. */
  countsAsEvidence(evidence: Evidence): boolean;
  /** Whether a regroup may begin while this rank has not got the generation's state yet. */
  regroupsWhileHealing(): boolean;
  /** Whether a newcomer that knows of a room stops asking to be taken in: never, however long the room takes to recover. */
  givesUpJoining(askedForMs: number): boolean;
  /** Links are not transitive, and not even symmetric: those count that both ends report. */
  readonly linkWorks: (oneReports: boolean, otherReports: boolean) => boolean;
  /** How long one that was left out so many times waits for readmission, in milliseconds. */
  readmissionMs(evictions: number): number;
  /** Whether one that leaves is free to go at once: when there is nobody whose generation would lack its vote. */
  leavesAtOnce(members: number): boolean;
  /** Names a line of generations: eight hex digits of depth, then its founder. */
  nameIncarnation(depth: number, founder: MemberId): IncarnationId;
  /** The newest generation that may have committed a step, as its successor knows it from the voters. */
  floorAfter(base: Generation, vouched: readonly number[]): number;
  /** Ranks in a row of a generation of so many members, where it is a hierarchy; undefined: all have links with all. */
  rowWidth(members: number): number | undefined;
  /** Whether a generation of so many members gives a witness a vote: where half of it would be exactly half. */
  takesWitness(members: number): boolean;
  /** Who computes, commits and heals: members alone. */
  ranksOf(members: readonly Member[], witness: Member | undefined): readonly Member[];
  /** Whether the incarnation of the first outlives that of the second when they meet. */
  outlives(a: RoomAge, b: RoomAge): boolean;
}

/** The first eviction costs twice this, and each further one doubles it, up to the longest. */
const FIRST_READMISSION_MS = 100;
const LONGEST_READMISSION_MS = 30_000;
/** Up to so many members have links with all others; beyond, they stand in rows of so many, and have them with row and column. */
const FULL_MESH = 64;
const ROW_WIDTH = 32;

export const MEMBERSHIP_RULES: MembershipRules = {
  inForce: sameGeneration,

  keepsEarly: () => true,

  countsAsEvidence: () => true,

  regroupsWhileHealing: () => true,

  givesUpJoining: () => false,

  linkWorks: (oneReports, otherReports) => oneReports && otherReports,

  readmissionMs: (evictions) =>
    Math.min(LONGEST_READMISSION_MS, FIRST_READMISSION_MS * (1 << Math.min(evictions, 16))),

  leavesAtOnce: (members) => members === 1,

  nameIncarnation: (depth, founder) => `${depth.toString(16).padStart(8, '0')}-${founder}` as IncarnationId,

  floorAfter: (base, vouched) => Math.max(base.floor, ...vouched),

  rowWidth: (members) => (members > FULL_MESH ? ROW_WIDTH : undefined),

  takesWitness: (members) => members % 2 === 0,

  ranksOf: (members) => members,

  outlives: (a, b) => {
    // What was agreed holds, however many steps the other had come.
    if (a.insteadOf?.includes(b.generation.incarnation) === true) return true;
    if (b.insteadOf?.includes(a.generation.incarnation) === true) return false;
    return a.committed !== b.committed
      ? a.committed > b.committed
      : a.generation.incarnation > b.generation.incarnation;
  },
};
