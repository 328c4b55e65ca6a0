// The rank's event log in memory: what the core reports, numbered and dated. Bounded; the oldest records go first.

import type { MemberId } from '../ports/ids.ts';
import type { TraceEvent, TraceRecord } from '../trace/events.ts';

/** About an hour of training with four ranks; some 10 MB. */
const MAX_RECORDS = 50_000;
/** Records are dropped this many at a time, so that dropping costs nothing by the record. */
const DROPPED_AT_ONCE = 5_000;

export interface EventLog {
  append(event: TraceEvent): TraceRecord;
  /** Records with `seq` of at least `from`, at most `limit`. Those already dropped are missing. */
  read(from: number, limit: number): readonly TraceRecord[];
}

/** `at` is in milliseconds since the epoch. */
export function createEventLog(member: MemberId, at: () => number): EventLog {
  const records: TraceRecord[] = [];
  let dropped = 0;
  return {
    append(event) {
      const record: TraceRecord = { member, seq: dropped + records.length, at: at(), event };
      records.push(record);
      if (records.length > MAX_RECORDS) {
        records.splice(0, DROPPED_AT_ONCE);
        dropped += DROPPED_AT_ONCE;
      }
      return record;
    },
    read(from, limit) {
      const start = Math.max(0, Math.trunc(from) - dropped);
      return records.slice(start, start + Math.max(0, Math.trunc(limit)));
    },
  };
}
