// The logs of all ranks of a run, merged. A killed tab takes its log with it, so records are fetched while it lives.

import type { MemberId } from '../../ports/ids.ts';
import type { TraceRecord } from '../../trace/events.ts';

export interface LogBook {
  /** Where this member's log goes on: the `seq` to ask for. */
  next(member: MemberId): number;
  add(records: readonly TraceRecord[]): void;
  /** All records in order of time; one member's stay in their own order. */
  records(): readonly TraceRecord[];
}

export function openLogBook(): LogBook {
  const nextSeq = new Map<MemberId, number>();
  const all: TraceRecord[] = [];
  return {
    next: (member) => nextSeq.get(member) ?? 0,
    add: (records) => {
      for (const record of records) {
        if (record.seq < (nextSeq.get(record.member) ?? 0)) continue;
        nextSeq.set(record.member, record.seq + 1);
        all.push(record);
      }
    },
    records: () => all.toSorted((a, b) => a.at - b.at || (a.member === b.member ? a.seq - b.seq : 0)),
  };
}
