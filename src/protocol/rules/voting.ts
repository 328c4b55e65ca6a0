// Rules of the vote on a generation's successor: single-decree Paxos among seats.
// After L. Lamport, "Paxos Made Simple" (2001), section 2.

import type { MemberId, SeatId } from '../../ports/ids.ts';
import type { Ballot, TraceEvent } from '../../trace/events.ts';
import type { Effect, Send } from '../effects.ts';
import type { Generation } from '../generation.ts';
import type { WitnessBook } from '../witness-book.ts';
import { compareBallots, emptyRecord, type Accepted, type SeatRecord } from '../votes.ts';

export interface VotingRules {
  /** More than half of the electorate; of two exact halves, the one with the lowest seat. `electorate` is sorted. */
  isQuorum(seats: ReadonlySet<SeatId>, electorate: readonly SeatId[]): boolean;
  /** The seats that count towards a quorum: those that answered. That a page is gone for good is no vote. */
  votesOf(answered: ReadonlySet<SeatId>, gone: ReadonlySet<SeatId>): ReadonlySet<SeatId>;
  /** Whether a proposer that has its quorum still waits for a member's answer: until it is heard or suspected, or patience ends. */
  waitsFor(suspected: boolean, patience: 'patient' | 'impatient'): boolean;
  /** A ballot above all that were heard of, and no other proposer's. */
  nextBallot(highestRound: number, proposer: MemberId): Ballot;
  /** Paxos, phase 1b. */
  mayPromise(record: SeatRecord, ballot: Ballot): boolean;
  /** Paxos, phase 2b. */
  mayAccept(record: SeatRecord, ballot: Ballot): boolean;
  /** Paxos, phase 2a: the accepted proposal of the highest ballot among the promises binds the proposer. */
  boundTo(accepted: readonly (Accepted | undefined)[]): Accepted | undefined;
  /** A vote is one effect: stored, and only then sent and reported. */
  castVote(record: SeatRecord, sends: readonly Send[], report: TraceEvent): readonly Effect[];
  /** Whether a rank goes on with the steps of the generation after its seat voted so: not once it has promised. */
  stepsOn(vote: SeatRecord): boolean;
  /** What binds a witness that comes back: all that its file holds. */
  keptBallots(stored: WitnessBook | undefined): WitnessBook | undefined;
  /** What binds the heir of a dead page's seat: the ballots that it finds stored. */
  heirBallots(seat: SeatId, stored: SeatRecord | undefined, base: Generation): SeatRecord;
}

export const VOTING_RULES: VotingRules = {
  isQuorum(seats, electorate) {
    const voters = electorate.filter((seat) => seats.has(seat)).length;
    if (voters * 2 !== electorate.length) return voters * 2 > electorate.length;
    const lowest = electorate[0];
    return lowest !== undefined && seats.has(lowest);
  },

  votesOf: (answered) => answered,

  waitsFor: (suspected, patience) => !suspected && patience === 'patient',

  nextBallot: (highestRound, proposer) => ({ round: highestRound + 1, proposer }),

  mayPromise: (record, ballot) =>
    // The same ballot again is the same proposer, who asks anew when a seat has moved: a reject would end its proposal.
    record.promised === undefined || compareBallots(ballot, record.promised) >= 0,

  mayAccept: (record, ballot) =>
    record.promised === undefined || compareBallots(ballot, record.promised) >= 0,

  boundTo(accepted) {
    let highest: Accepted | undefined;
    for (const item of accepted)
      if (item !== undefined && (highest === undefined || compareBallots(item.ballot, highest.ballot) > 0))
        highest = item;
    return highest;
  },

  castVote: (record, thenSend, thenReport) => [{ kind: 'store', record, thenSend, thenReport }],

  stepsOn: (vote) => vote.promised === undefined,

  keptBallots: (stored) => stored,

  heirBallots: (seat, stored) => stored ?? emptyRecord(seat, undefined),
};
