// What a witness's seat has said: one record for each incarnation that it has voted in, bounded in number. What is no longer kept is
// closed, so that what was forgotten is never voted on again.

import type { IncarnationId, SeatId } from '../ports/ids.ts';
import { emptyRecord, type SeatRecord } from './votes.ts';

/** A server witnesses a room or a few; each has one line of generations, and seldom a second. */
export const MAX_RECORDS = 64;

export interface WitnessBook {
  readonly format: 1;
  readonly seat: SeatId;
  /** No incarnation up to this one has a vote, unless its record is here. */
  readonly closed: IncarnationId | undefined;
  /** In the order of their incarnations: a child stands after its parent. */
  readonly records: readonly SeatRecord[];
}

export const emptyBook = (seat: SeatId): WitnessBook => ({
  format: 1,
  seat,
  closed: undefined,
  records: [],
});

/** The seat's record in this incarnation; undefined: it is closed. */
export function recordIn(book: WitnessBook, incarnation: IncarnationId): SeatRecord | undefined {
  const kept = book.records.find(({ base }) => base?.id.incarnation === incarnation);
  if (kept !== undefined) return kept;
  return book.closed !== undefined && incarnation <= book.closed
    ? undefined
    : emptyRecord(book.seat, undefined);
}

/** The book with this record in the place of the one before it; undefined: there is no room for it. */
export function withRecord(book: WitnessBook, record: SeatRecord): WitnessBook | undefined {
  const incarnation = record.base?.id.incarnation;
  if (incarnation === undefined || recordIn(book, incarnation) === undefined) return undefined;
  const others = book.records.filter(({ base }) => base?.id.incarnation !== incarnation);
  const records = [...others, record].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  if (records.length <= MAX_RECORDS) return { ...book, records };
  const oldest = records[0]?.base?.id.incarnation;
  // Only an older line than all that are kept would have to go at once.
  return oldest === undefined || oldest === incarnation
    ? undefined
    : { ...book, closed: oldest, records: records.slice(1) };
}

const nameOf = ({ base }: SeatRecord): string => base?.id.incarnation ?? '';
