// Ballots as they come back from storage: a seat's record, and a witness's book.

import * as v from 'valibot';
import { CodecError, describeIssue } from './codec-error.ts';
import { accepted, ballot, generation, incarnation, maybe, seatId } from './message-schema.ts';
import type { SeatRecord } from './votes.ts';
import { MAX_RECORDS, type WitnessBook } from './witness-book.ts';

const SeatRecordSchema = v.strictObject({
  format: v.literal(1),
  seat: seatId,
  base: maybe(generation),
  promised: maybe(ballot),
  accepted: maybe(accepted),
});

/** Validates a stored ballot record. Throws a `CodecError`. */
export function parseSeatRecord(value: unknown): SeatRecord {
  const result = v.safeParse(SeatRecordSchema, value);
  if (result.success) return result.output as SeatRecord;
  throw new CodecError(`A stored ballot record is not valid: ${describeIssue(result.issues[0])}`);
}

const WitnessBookSchema = v.strictObject({
  format: v.literal(1),
  seat: seatId,
  closed: maybe(incarnation),
  records: v.pipe(
    v.array(v.strictObject({ ...SeatRecordSchema.entries, base: generation })),
    v.maxLength(MAX_RECORDS),
  ),
});

/** Validates a witness's stored book. Throws a `CodecError`. */
export function parseWitnessBook(value: unknown): WitnessBook {
  const result = v.safeParse(WitnessBookSchema, value);
  if (!result.success)
    throw new CodecError(`A stored witness book is not valid: ${describeIssue(result.issues[0])}`);
  const { seat, records } = result.output;
  const lines = new Set(records.map(({ base }) => base.id.incarnation));
  if (lines.size !== records.length || records.some((record) => record.seat !== seat))
    throw new CodecError(
      'A stored witness book is not valid: expected one record of its seat for each incarnation.',
    );
  return result.output as WitnessBook;
}
