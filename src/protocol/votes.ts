// The acceptor: a seat's ballots. Single-decree Paxos, one decree a generation: which generation succeeds it.
// After L. Lamport, "Paxos Made Simple" (2001), section 2; a seat is an acceptor, any member may propose.

import type { SeatId } from '../ports/ids.ts';
import type { Ballot } from '../trace/events.ts';
import type { Generation } from './generation.ts';

export interface Accepted {
  readonly ballot: Ballot;
  readonly value: Generation;
}

/** What a seat has said, as stored. */
export interface SeatRecord {
  readonly format: 1;
  readonly seat: SeatId;
  /** The generation whose successor these ballots are about; undefined before the first. */
  readonly base: Generation | undefined;
  readonly promised: Ballot | undefined;
  readonly accepted: Accepted | undefined;
}

/** Negative when `a` is the lower ballot. */
export const compareBallots = (a: Ballot, b: Ballot): number =>
  a.round - b.round || (a.proposer < b.proposer ? -1 : a.proposer > b.proposer ? 1 : 0);

export const emptyRecord = (seat: SeatId, base: Generation | undefined): SeatRecord => ({
  format: 1,
  seat,
  base,
  promised: undefined,
  accepted: undefined,
});
