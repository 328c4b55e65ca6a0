// What a seat answers to a proposer. Ranks and witnesses answer by it alike; what else their votes say, and what follows for a rank
// that has voted, is theirs.

import { sameGeneration } from '../ports/ids.ts';
import type { Ballot } from '../trace/events.ts';
import type { Effect, Send } from './effects.ts';
import { describeGeneration, type Generation } from './generation.ts';
import type { Message } from './messages.ts';
import type { Rules } from './rules.ts';
import { emptyRecord, type SeatRecord } from './votes.ts';

/** A seat's ballots on the successor of `base`; undefined: it has no vote there. */
export function ballotsOn(base: Generation, record: SeatRecord): SeatRecord | undefined {
  if (record.base !== undefined && sameGeneration(record.base.id, base.id)) return record;
  return isOlder(record, base) ? emptyRecord(record.seat, base) : undefined;
}

/**
 * A record about an older generation of the line has no vote in this one yet: its ballots start empty. Any other record was
 * written later, and may have overwritten a vote in this generation: it must not vote here again.
 */
const isOlder = (record: SeatRecord, base: Generation): boolean =>
  record.base === undefined ||
  (record.base.id.incarnation === base.id.incarnation && record.base.id.number < base.id.number);

/** Paxos, phase 1b: the record with the promise; undefined: it has promised a higher ballot. */
export const promise = (rules: Rules, record: SeatRecord, ballot: Ballot): SeatRecord | undefined =>
  rules.mayPromise(record, ballot) ? { ...record, promised: ballot } : undefined;

/** Paxos, phase 2b: the record with the accepted proposal; undefined: it has promised a higher ballot. */
export const accept = (
  rules: Rules,
  record: SeatRecord,
  ballot: Ballot,
  value: Generation,
): SeatRecord | undefined =>
  rules.mayAccept(record, ballot) ? { ...record, promised: ballot, accepted: { ballot, value } } : undefined;

/** What a proposer whose ballot is too low is told. */
export const rejection = (base: Generation, record: SeatRecord, ballot: Ballot): readonly Message[] =>
  record.promised === undefined
    ? []
    : [{ kind: 'reject', generation: base.id, ballot, promised: record.promised }];

export const castPromise = (
  rules: Rules,
  base: Generation,
  record: SeatRecord,
  ballot: Ballot,
  answer: Send,
): readonly Effect[] =>
  rules.castVote(record, [answer], {
    kind: 'promised',
    generation: base.id,
    seat: record.seat,
    ballot,
    stored: true,
  });

export const castAccepted = (
  rules: Rules,
  base: Generation,
  record: SeatRecord,
  ballot: Ballot,
  value: Generation,
  answer: Send,
): readonly Effect[] =>
  rules.castVote(record, [answer], {
    kind: 'voted',
    generation: base.id,
    seat: record.seat,
    ballot,
    value: describeGeneration(value),
    stored: true,
  });
